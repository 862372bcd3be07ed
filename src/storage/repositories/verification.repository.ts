import { Injectable } from '@nestjs/common';
import type { PhoneNumber } from '../../common/phone-number.js';
import { Database } from '../engines/database.js';
import { NumberLimits } from '../limits/number-limits.js';
import type { Verification } from '../verification.types.js';
import { VerificationMapper } from './verification-mapper.js';
import { attemptsRemaining, effectiveStatus } from './verification-status.js';

/** What a client reads, cancels and erases of its verifications. */
@Injectable()
export class VerificationRepository {
  constructor(
    private readonly database: Database,
    private readonly mapper: VerificationMapper,
    private readonly limits: NumberLimits,
  ) {}

  async find(pinId: string, client: string, now: number): Promise<Verification | undefined> {
    const { row } = await this.database.run((batch) =>
      this.mapper.queries.read(batch, { pinId, client }),
    );
    const status = row && effectiveStatus(row, now);
    if (!row || !status) return undefined;
    return {
      pinId,
      status,
      phoneNumber: this.mapper.decrypt(row).phoneNumber,
      provider: row.provider,
      channel: row.channel,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      verifiedAt: row.verified_at ?? undefined,
      attemptsRemaining: attemptsRemaining(row),
    };
  }

  async cancel(pinId: string, client: string, now: number): Promise<boolean> {
    const accepted = await this.database.run((batch) => {
      this.mapper.queries.cancel(batch, { pinId, client, now });
      return this.mapper.readAccepted(batch, pinId, client);
    });
    return accepted() !== undefined;
  }

  async lastVerifiedAt(phoneNumber: PhoneNumber, client: string): Promise<number | undefined> {
    await this.mapper.rehashNumber(this.database, phoneNumber, client);
    const numberHash = this.mapper.hashOf(phoneNumber);
    const { row } = await this.database.run((batch) =>
      this.mapper.queries.readLastVerified(batch, { client, numberHash }),
    );
    return row?.verified_at ?? undefined;
  }

  async erase(phoneNumber: PhoneNumber, client: string): Promise<void> {
    await this.mapper.rehashNumber(this.database, phoneNumber, client);
    const numberHash = this.mapper.hashOf(phoneNumber);
    await this.database.run((batch) => {
      this.mapper.queries.eraseKeys(batch, { client, numberHash });
      this.mapper.queries.erase(batch, { client, numberHash });
      this.limits.queries.clearVerified(batch, { key: numberHash });
    });
  }
}
