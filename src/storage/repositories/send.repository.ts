import { Injectable } from '@nestjs/common';
import { Database } from '../engines/database.js';
import type { StatementBatch } from '../engines/statement-batch.js';
import type { IdempotentRequest } from '../idempotency.types.js';
import type { TrafficEvaluator } from '../limit.types.js';
import { SendLimitFinder } from '../limits/send-limit-finder.js';
import {
  SendLimits,
  toReservation,
  type CountedSend,
  type UncheckedSend,
} from '../limits/send-limits.js';
import type { NewVerification, SendAdmission, SendAdmitted } from '../send.types.js';
import { IdempotencyKeyRepository, NO_CLAIM } from './idempotency-key.repository.js';
import { prepareReservationQueries } from './send-queries.js';
import { VerificationTable } from './verification-table.js';

/** Counts and writes first sends before their budgets are checked and the provider is called. */
@Injectable()
export class SendRepository {
  private readonly queries;

  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly limits: SendLimits,
    private readonly limitFinder: SendLimitFinder,
    private readonly keys: IdempotencyKeyRepository,
  ) {
    this.queries = prepareReservationQueries(database);
  }

  /** Counts a first send and writes its verification, or finds why that is not allowed. */
  async reserve(
    verification: NewVerification,
    idempotency: IdempotentRequest | undefined,
    evaluate: TrafficEvaluator | undefined,
  ): Promise<UncheckedSend | Exclude<SendAdmission, SendAdmitted>> {
    const { client, phoneNumber, channel, floodFilters, limits, createdAt: now } = verification;
    await this.verifications.rehashNumber(this.database, phoneNumber, client);
    if (idempotency) await this.keys.rehash(client, idempotency);
    const claim = idempotency && this.keys.createClaim(idempotency);
    const row = this.verifications.toNewRow(verification);
    const send = this.limits.toCountedSend(row, claim ?? NO_CLAIM, { floodFilters, limits, now });
    const written = await this.database.runUntilKnown(async (isRepeated) => {
      await this.limits.loadHistories(send);
      const found = isRepeated ? await this.findWritten(send) : undefined;
      return found ?? this.database.run((batch) => this.writeSend(batch, send, idempotency));
    });
    if (idempotency && !written.isClaimed?.()) {
      return this.keys.findEarlierRequest(this.database, client, idempotency, now, 'send');
    }
    const reserved = written.reserved();
    if (!reserved || !written.inserted.row) {
      return this.limitFinder.findReservationLimit(this.database, send, phoneNumber, evaluate);
    }
    const { eventReference } = verification;
    const delivery = { phoneNumber, channel, claim, eventReference, resendOf: undefined };
    const reservation = toReservation(send, delivery);
    const traffic = written.traffic?.();
    return { reservation, send, reserved, traffic };
  }

  /** Counts the first send and writes its verification, or does neither, in one batch. */
  private writeSend(batch: StatementBatch, send: CountedSend, idempotency?: IdempotentRequest) {
    const { row, claim, entries, now } = send;
    const target = { client: row.client, pinId: row.pin_id };
    const isClaimed = idempotency && this.keys.claim(batch, target, claim, idempotency, now);
    const reserved = this.limits.reserve(batch, send);
    const entry = entries?.number ?? '';
    const inserted = this.queries.insert(batch, Object.assign({ entry, ...claim }, row));
    const traffic = this.limits.countTraffic(batch, send);
    if (idempotency)
      this.keys.queries.releaseIfUnwritten(batch, { pinId: row.pin_id, runId: claim.runId });
    return { isClaimed, reserved, inserted, traffic };
  }

  /** Finds what an earlier run of {@link writeSend} has written; `undefined` if nothing. */
  private async findWritten(send: CountedSend) {
    const { client, pin_id: pinId } = send.row;
    const written = await this.database.run((batch) => ({
      isClaimed: () => true,
      inserted: this.verifications.queries.read(batch, { pinId, client }),
      ...this.limits.readCounted(batch, send),
    }));
    return written.inserted.row?.status === 'sending' ? written : undefined;
  }
}
