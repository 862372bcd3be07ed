import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { hours } from '../../common/durations.js';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { Database } from '../engines/database.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import type { IdempotencyClaim } from '../idempotency.types.js';
import type { LimitExceeded } from '../limit.types.js';
import { canBeVerified, isOpen, ownsIdempotencyKey } from './predicates.js';
import {
  createAcquireQuery,
  toAcquireValues,
  getBlockedUntil,
  isNewestEndUserSend,
  createReleaseQuery,
  type WindowEntryColumn,
  type SlidingWindow,
} from './sliding-window.js';

const SENDS: WindowEntryColumn = {
  table: 'numbers',
  key: 'number_hash',
  column: 'sends',
  others: ['failures'],
  returning: 'verified_at',
};
const FAILURES: WindowEntryColumn = {
  column: 'failures',
  others: ['sends'],
  table: 'numbers',
  key: 'number_hash',
  returning: 'verified_at',
};

/** A send to count for its number; `key` is the number's hash. */
interface NumberSend extends IdempotencyClaim {
  readonly key: string;
  readonly client: string;
}

/** A code to count for the number of its verification. */
interface CodeAttempt extends IdempotencyClaim {
  readonly pinId: string;
  readonly client: string;
  readonly referenceHash: string;
}

/** A send to release unless it was counted for its end user; `key` is the number's hash. */
interface RejectedSend {
  readonly key: string;
  readonly entry: string;
  readonly endUserHash: string;
  readonly endUserEntry: string;
}

/** Limits sends and wrong codes per phone number, over all clients. */
@Injectable()
export class NumberLimits {
  private readonly cooldown: SlidingWindow;
  private readonly sends: readonly SlidingWindow[];
  private readonly failures: readonly SlidingWindow[];
  /** Queries for other transactions. A failure is a wrong code, or one that is being checked. */
  readonly queries;

  constructor(
    database: Database,
    @Inject(otpConfig.KEY) otp: OtpConfig,
    @Inject(limitsConfig.KEY) limits: LimitsConfig,
  ) {
    this.cooldown = { count: 1, windowMs: otp.sendCooldownMs };
    this.sends = [this.cooldown, { count: limits.sendsPerNumberPerDay, windowMs: hours(24) }];
    this.failures = [
      { count: limits.failuresPerNumberPerHour, windowMs: hours(1) },
      { count: limits.failuresPerNumberPerDay, windowMs: hours(24) },
    ];
    const { lockClause } = database;
    this.queries = database.prepare('number_limits', {
      reserveSend: createAcquireQuery<NumberSend>(
        SENDS,
        this.sends,
        (p, rest) => sql`select ${p.key}, ${rest} where ${ownsIdempotencyKey(p)}`,
      ),
      // The row of the verification's number. The verification stays locked until the transaction ends.
      reserveAttempt: createAcquireQuery<CodeAttempt>(
        FAILURES,
        this.failures,
        (p, rest) => sql`
          select number_hash, ${rest} from verifications
          where pin_id = ${p.pinId} and client = ${p.client}
            and reference_hash = ${p.referenceHash} and ${ownsIdempotencyKey(p)}
            and ${isOpen(p.now)} and attempts < max_attempts ${lockClause}`,
      ),
      releaseSend: createReleaseQuery<object>(SENDS),
      /** Releases a send that its end user's limit rejected. */
      releaseRejected: createReleaseQuery<RejectedSend>(
        SENDS,
        (p) => sql`not ${isNewestEndUserSend(p)}`,
      ),
      releaseAttempt: createReleaseQuery<object>(FAILURES),
      /** If the verification can still be verified; locks it before its number, as everywhere. */
      recordVerified: (db, p: { key: string; entry: string; pinId: string; now: number }) =>
        db
          .updateTable('numbers')
          .set({ failures: sql<string>`replace(failures, ${p.entry}, '')`, verified_at: p.now })
          .where('number_hash', '=', p.key)
          .where(canBeVerified(lockClause, p)),
      untrustNumber: (db, p: { key: string }) =>
        db.updateTable('numbers').set({ verified_at: 0 }).where('number_hash', '=', p.key),
      read: (db, p: { key: string }) =>
        db
          .selectFrom('numbers')
          .select(['sends', 'failures', 'verified_at'])
          .where('number_hash', '=', p.key),
    });
  }

  /**
   * Counts a send if its run owns its idempotency key and neither the cooldown nor the daily limit
   * is reached.
   * @returns a getter of the time when the number was last verified, in milliseconds since the
   * epoch and 0 if never; `undefined` if the send was not counted
   */
  reserveSend(
    batch: StatementBatch,
    send: NumberSend,
    entry: string,
    now: number,
  ): () => number | undefined {
    const values = toAcquireValues(this.sends, send, entry, now);
    const acquired = this.queries.reserveSend(batch, values);
    return () => acquired.row?.returned;
  }

  async findSendLimit(executor: Executor, numberHash: string, now: number): Promise<LimitExceeded> {
    const { sends } = await this.read(executor, numberHash);
    // The blocking send may have been released since: then the limit ends now.
    const cooldownUntil = getBlockedUntil(sends, now, [this.cooldown]) ?? now;
    const until = getBlockedUntil(sends, now, this.sends) ?? now;
    const limit = cooldownUntil === until ? 'cooldown' : 'sends_per_day';
    return { outcome: 'limited', limit, until };
  }

  /**
   * Counts a code as wrong until it is checked, if its verification accepts one and its number is
   * below the limit.
   */
  reserveAttempt(batch: StatementBatch, attempt: CodeAttempt, entry: string, now: number): void {
    this.queries.reserveAttempt(batch, toAcquireValues(this.failures, attempt, entry, now));
  }

  async findAttemptLimit(
    executor: Executor,
    numberHash: string,
    now: number,
  ): Promise<LimitExceeded> {
    const { failures } = await this.read(executor, numberHash);
    const until = getBlockedUntil(failures, now, this.failures) ?? now;
    return { outcome: 'limited', limit: 'failures', until };
  }

  private async read(executor: Executor, key: string) {
    const { row } = await executor.run((batch) => this.queries.read(batch, { key }));
    return row ?? { sends: '', failures: '' };
  }
}
