import { Injectable } from '@nestjs/common';
import type { PhoneNumber } from '../../common/phone-number.js';
import { Database } from '../engines/database.js';
import { NumberLimits } from '../limits/number-limits.js';
import type { UnreadableDataError } from '../unreadable-data.error.js';
import type { CancelOutcome, Verification } from '../verification.types.js';
import { MessageRepository } from './message.repository.js';
import { UsageRepository } from './usage.repository.js';
import { VerificationTable } from './verification-table.js';
import { WebhookEventRecorder } from './webhook-event-recorder.js';
import { getAttemptsRemaining, getCodeLength, getStatusAt } from './verification-status.js';

/** What a client reads, cancels and erases of its verifications. */
@Injectable()
export class VerificationRepository {
  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly limits: NumberLimits,
    private readonly webhooks: WebhookEventRecorder,
    private readonly messages: MessageRepository,
    private readonly usage: UsageRepository,
  ) {}

  async find(
    pinId: string,
    client: string,
    now: number,
  ): Promise<Verification | UnreadableDataError | undefined> {
    const { found, getDelivery } = await this.database.run((batch) => ({
      found: this.verifications.queries.read(batch, { pinId, client }),
      getDelivery: this.messages.readDelivery(batch, pinId),
    }));
    const { row } = found;
    const status = row && getStatusAt(row, now);
    if (!row || !status) return undefined;
    const fields = this.verifications.decrypt(row);
    if ('outcome' in fields) return fields;
    return {
      pinId,
      status,
      phoneNumber: fields.phoneNumber,
      provider: row.provider,
      channel: row.channel,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      verifiedAt: row.verified_at ?? undefined,
      attemptsRemaining: getAttemptsRemaining(row),
      codeLength: getCodeLength(row),
      delivery: getDelivery(),
    };
  }

  async cancel(pinId: string, client: string, now: number): Promise<CancelOutcome> {
    const { cancelled, getRow } = await this.database.run((batch) => {
      this.webhooks.addCancelled(batch, pinId, client, now);
      return {
        cancelled: this.verifications.queries.cancel(batch, { pinId, client, now }),
        getRow: this.verifications.readSent(batch, pinId, client),
      };
    });
    if (!getRow()) return 'not_found';
    return cancelled.row ? 'cancelled' : 'ended';
  }

  async getLastVerifiedAt(phoneNumber: PhoneNumber, client: string): Promise<number | undefined> {
    await this.verifications.rehashNumber(this.database, phoneNumber, client);
    const numberHash = this.verifications.hashNumber(phoneNumber);
    const { row } = await this.database.run((batch) =>
      this.verifications.queries.readLastVerified(batch, { client, numberHash }),
    );
    return row?.verified_at ?? undefined;
  }

  async erase(phoneNumber: PhoneNumber, client: string): Promise<void> {
    await this.verifications.rehashNumber(this.database, phoneNumber, client);
    const numberHash = this.verifications.hashNumber(phoneNumber);
    await this.database.transaction(async (transaction) => {
      const { erased, messages } = await transaction.run((batch) => {
        this.verifications.queries.lockNumber(batch, { client, numberHash });
        this.verifications.queries.eraseAnswers(batch, { client, numberHash });
        this.verifications.queries.eraseEvents(batch, { client, numberHash });
        const messages = this.verifications.queries.eraseMessages(batch, { client, numberHash });
        const erased = this.verifications.queries.erase(batch, { client, numberHash });
        this.limits.queries.clearVerifiedAt(batch, { numberHash, client });
        return { erased, messages };
      });
      await this.usage.addUsageOfDeleted(transaction, erased.rows, messages.rows);
    });
  }
}
