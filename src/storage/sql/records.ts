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
    const { row } = await this.database.run((packet) =>
      this.rows.queries.read(packet, { pinId, client }),
    );
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

  async cancel(pinId: string, client: string, now: number): Promise<boolean> {
    const taken = await this.database.run((packet) => {
      this.rows.queries.cancel(packet, { pinId, client, now });
      return this.rows.taken(packet, pinId, client);
    });
    return taken() !== undefined;
  }

  async lastVerifiedAt(phoneNumber: PhoneNumber, client: string): Promise<number | undefined> {
    await this.rows.renewNumber(this.database, phoneNumber, client);
    const numberHash = this.rows.hashOf(phoneNumber);
    const { row } = await this.database.run((packet) =>
      this.rows.queries.lastVerified(packet, { client, numberHash }),
    );
    return row?.verified_at ?? undefined;
  }

  async erase(phoneNumber: PhoneNumber, client: string): Promise<void> {
    await this.rows.renewNumber(this.database, phoneNumber, client);
    const numberHash = this.rows.hashOf(phoneNumber);
    await this.database.run((packet) => {
      this.rows.queries.forgetKeys(packet, { client, numberHash });
      this.rows.queries.forget(packet, { client, numberHash });
      this.limits.forgetVerified(packet, numberHash);
    });
  }
}
