import { Injectable } from '@nestjs/common';
import type { PhoneNumber } from '../../common/phone-number.js';
import type { Verification } from '../verification-store.js';
import { Database } from './database.js';
import { NumberLimits } from './number-limits.js';
import { attemptsRemaining, statusOf } from './standing.js';
import { VerificationRows } from './verification-rows.js';

/** What a client can see of its verifications, end, and have forgotten. */
@Injectable()
export class Records {
  constructor(
    private readonly database: Database,
    private readonly rows: VerificationRows,
    private readonly limits: NumberLimits,
  ) {}

  async find(pinId: string, client: string, now: number): Promise<Verification | undefined> {
    const [row] = await this.database.run(this.rows.queries.read, { pinId, client });
    const status = row && statusOf(row, now);
    if (!row || !status) return undefined;
    return {
      pinId,
      status,
      phoneNumber: this.rows.open(row).phoneNumber,
      provider: row.provider,
      channel: row.channel,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      verifiedAt: row.verified_at ?? undefined,
      attemptsRemaining: attemptsRemaining(row),
    };
  }

  async cancel(pinId: string, client: string): Promise<boolean> {
    return this.database.transaction(async (executor) => {
      await this.rows.queries.cancel(executor, { pinId, client });
      return (await this.rows.taken(executor, pinId, client)) !== undefined;
    });
  }

  async lastVerifiedAt(phoneNumber: PhoneNumber, client: string): Promise<number | undefined> {
    return this.database.transaction(async (executor) => {
      const numberHash = await this.rows.hashOf(executor, phoneNumber, client);
      const [row] = await this.rows.queries.lastVerified(executor, { client, numberHash });
      return row?.verified_at ?? undefined;
    });
  }

  async erase(phoneNumber: PhoneNumber, client: string): Promise<void> {
    await this.database.transaction(async (executor) => {
      const numberHash = await this.rows.hashOf(executor, phoneNumber, client);
      await this.rows.queries.forgetKeys(executor, { client, numberHash });
      await this.rows.queries.forget(executor, { client, numberHash });
      await this.limits.forgetVerified(executor, numberHash);
    });
  }
}
