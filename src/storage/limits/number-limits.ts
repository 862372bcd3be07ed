import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { hours } from '../../common/durations.js';
import { getClientShare, limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { Database } from '../engines/database.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import type { IdempotencyClaim } from '../idempotency.types.js';
import type { LimitExceeded, SharedLimitExceeded } from '../limit.types.js';
import {
  getOwnBlockedUntil,
  isNumberWindowFree,
  isShareUsed,
  type NumberWindow,
} from './number-shares.js';
import { canBeClaimed, isOpen, isUntouched, ownsIdempotencyKey } from './predicates.js';
import {
  createAcquireQuery,
  createReleaseQuery,
  createReplaceQuery,
  toAcquireValues,
  type WindowEntryColumn,
} from './sliding-window.js';
import { isClientNumber, isNewestEndUserSend, type ClientNumberKey } from './window-predicates.js';

const NUMBER_COLUMN = {
  table: 'client_numbers',
  key: ['number_hash', 'client'],
  returning: 'verified_at',
} as const;
const SENDS: WindowEntryColumn = { column: 'sends', others: ['failures'], ...NUMBER_COLUMN };
const FAILURES: WindowEntryColumn = { column: 'failures', others: ['sends'], ...NUMBER_COLUMN };

/** A send to count for its client and number. */
interface NumberSend extends IdempotencyClaim, ClientNumberKey {}

/** A code to count for the client and number of its verification. */
interface CodeAttempt extends IdempotencyClaim {
  readonly pinId: string;
  readonly client: string;
  readonly referenceHash: string;
  /** 1 if only the first code of a verification may be checked. */
  readonly firstCodeOnly: 0 | 1;
}

/** A send to release unless it was counted for its end user. */
interface RejectedSend extends ClientNumberKey {
  readonly endUserHash: string;
  readonly endUserEntry: string;
}

/** A right code: its number, its entry there, and its verification. */
interface RightCode extends ClientNumberKey {
  readonly entry: string;
  readonly pinId: string;
  readonly now: number;
}

/**
 * Limits sends and wrong codes per phone number and client. What other clients did at the number
 * only limits a client to its share.
 */
@Injectable()
export class NumberLimits {
  private readonly cooldown: NumberWindow;
  private readonly sends: readonly NumberWindow[];
  private readonly failures: readonly NumberWindow[];
  /** Queries for other transactions. A failure is a wrong code, or one that is being checked. */
  readonly queries;

  constructor(
    database: Database,
    @Inject(otpConfig.KEY) otp: OtpConfig,
    @Inject(limitsConfig.KEY) limits: LimitsConfig,
  ) {
    const perHour = limits.failuresPerNumberPerHour;
    const perDay = limits.failuresPerNumberPerDay;
    const toWindow = (count: number, windowMs: number, restartsAtSuccess = false) => ({
      count,
      windowMs,
      share: getClientShare(count, limits),
      restartsAtSuccess,
    });
    this.cooldown = toWindow(1, otp.sendCooldownMs);
    this.sends = [this.cooldown, toWindow(limits.sendsPerNumberPerDay, hours(24))];
    // NIST SP 800-63B-4 §3.2.2 disregards failures before a success. Not those of the day: else the
    // number of a user who logs in often could be guessed often.
    this.failures = [toWindow(perHour, hours(1), true), toWindow(perDay, hours(24))];
    const { lockClause } = database;
    this.queries = database.prepare('number_limits', {
      reserveSend: createAcquireQuery(
        SENDS,
        this.sends,
        (p: NumberSend, rest) =>
          sql`select ${p.numberHash}, ${p.client}, ${rest} where ${ownsIdempotencyKey(p)}`,
        (window, entries, after) => isNumberWindowFree(SENDS, window, entries, after),
      ),
      // The verification stays locked until the transaction ends.
      reserveAttempt: createAcquireQuery(
        FAILURES,
        this.failures,
        (p: CodeAttempt & { now: number }, rest) => sql`
          select number_hash, client, ${rest} from verifications
          where pin_id = ${p.pinId} and client = ${p.client}
            and reference_hash = ${p.referenceHash} and ${ownsIdempotencyKey(p)}
            and ${isOpen(p.now)} and attempts < max_attempts
            and ${p.firstCodeOnly} * attempts = 0 ${lockClause}`,
        (window, entries, after, p) =>
          isNumberWindowFree(FAILURES, window, entries, after, isUntouched(lockClause, p)),
      ),
      releaseSend: createReleaseQuery<ClientNumberKey>(SENDS, isClientNumber),
      replaceSend: createReplaceQuery<ClientNumberKey>(SENDS, isClientNumber),
      /** Releases a send that its end user's limit rejected. */
      releaseRejected: createReleaseQuery<RejectedSend>(
        SENDS,
        (p) => sql`${isClientNumber(p)} and not ${isNewestEndUserSend(p)}`,
      ),
      releaseAttempt: createReleaseQuery<ClientNumberKey>(FAILURES, isClientNumber),
      /** If the verification can still be verified; locks it before its number, as everywhere. */
      recordVerified: (db, p: RightCode) =>
        db
          .updateTable('client_numbers')
          .set({ failures: sql<string>`replace(failures, ${p.entry}, '')`, verified_at: p.now })
          .where(isClientNumber(p))
          .where(canBeClaimed(lockClause, p)),
      untrustNumber: (db, p: ClientNumberKey) =>
        db.updateTable('client_numbers').set({ verified_at: 0 }).where(isClientNumber(p)),
      read: (db, p: ClientNumberKey) =>
        db
          .selectFrom('client_numbers')
          .select(['sends', 'failures', 'verified_at'])
          .where(isClientNumber(p)),
    });
  }

  /**
   * Counts a send if its run owns its idempotency key and neither the cooldown nor the daily limit
   * is reached.
   * @returns a getter of the time when the client last verified the number, in milliseconds since
   * the epoch and 0 if never; `undefined` if the send was not counted
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

  async findSendLimit(
    executor: Executor,
    key: ClientNumberKey,
    now: number,
  ): Promise<LimitExceeded | SharedLimitExceeded> {
    const { sends: entries, verifiedAt } = await this.read(executor, key);
    const sends = { entries, verifiedAt };
    const until = getOwnBlockedUntil(sends, now, this.sends);
    if (until === undefined && isShareUsed(sends, now, this.sends)) {
      return { outcome: 'limited', limit: 'shared', cause: 'shared_sends_per_day' };
    }
    // The blocking send may have been released since: then the limit ends now.
    const cooldownUntil = getOwnBlockedUntil(sends, now, [this.cooldown]);
    const limit = cooldownUntil === until ? 'cooldown' : 'sends_per_day';
    return { outcome: 'limited', limit, until: until ?? now };
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
    key: ClientNumberKey,
    now: number,
  ): Promise<LimitExceeded | SharedLimitExceeded> {
    const { failures: entries, verifiedAt } = await this.read(executor, key);
    const failures = { entries, verifiedAt };
    const until = getOwnBlockedUntil(failures, now, this.failures);
    if (until === undefined && isShareUsed(failures, now, this.failures)) {
      return { outcome: 'limited', limit: 'shared', cause: 'shared_failures' };
    }
    return { outcome: 'limited', limit: 'failures', until: until ?? now };
  }

  private async read(executor: Executor, key: ClientNumberKey) {
    const { row } = await executor.run((batch) => this.queries.read(batch, key));
    const { sends = '', failures = '', verified_at: verifiedAt = 0 } = row ?? {};
    return { sends, failures, verifiedAt };
  }
}
