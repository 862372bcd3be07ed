import { Inject, Injectable } from '@nestjs/common';
import { sql, type RawBuilder } from 'kysely';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { Database } from '../engines/database.js';
import type { StatementBatch } from '../engines/statement-batch.js';
import type { IdempotencyClaim } from '../idempotency.types.js';
import {
  createNumberWindows,
  isNumberWindowFree,
  type NumberWindow,
  type NumberWindows,
} from './number-shares.js';
import {
  canBeClaimed,
  hasLengthOfCode,
  isOpen,
  isUntouched,
  ownsIdempotencyKey,
} from './predicates.js';
import {
  isFilterBelow,
  toRequirementValues,
  type RequirementValues,
  type SendRequirements,
} from './send-requirements.js';
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
type NumberSend = IdempotencyClaim & ClientNumberKey & SendRequirements;

/** A code to count for the client and number of its verification. */
interface CodeAttempt extends IdempotencyClaim {
  readonly pinId: string;
  readonly client: string;
  readonly referenceHash: string;
  /** Of the submitted code. */
  readonly codeLength: number;
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
  private readonly windows: NumberWindows;
  /** Queries for other transactions. A failure is a wrong code, or one that is being checked. */
  readonly queries;

  constructor(
    database: Database,
    @Inject(otpConfig.KEY) otp: OtpConfig,
    @Inject(limitsConfig.KEY) limits: LimitsConfig,
  ) {
    this.windows = createNumberWindows(otp, limits);
    const { sends, failures } = this.windows;
    const { lockClause } = database;
    this.queries = database.prepare('number_limits', {
      reserveSend: createAcquireQuery(
        SENDS,
        sends,
        (p: NumberSend & RequirementValues, rest) => sql`
          select ${p.numberHash}, ${p.client}, ${rest}
          where ${ownsIdempotencyKey(p)} and ${isFilterBelow(p)}`,
        (window, entries, after) => isNumberWindowFree(SENDS, window, entries, after),
        (p) => isCodeCheckable(failures, p),
      ),
      // The verification stays locked until the transaction ends.
      reserveAttempt: createAcquireQuery(
        FAILURES,
        failures,
        (p: CodeAttempt & { now: number }, rest) => sql`
          select number_hash, client, ${rest} from verifications
          where pin_id = ${p.pinId} and client = ${p.client}
            and reference_hash = ${p.referenceHash} and ${ownsIdempotencyKey(p)}
            and ${isOpen(p.now)} and attempts < max_attempts and ${hasLengthOfCode(p)}
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
   * Counts a send if its run owns its idempotency key, neither the cooldown nor the daily limit is
   * reached, its code can be verified and no flood filter drops its message.
   * @returns a getter of the time when the client last verified the number, in milliseconds since
   * the epoch and 0 if never; `undefined` if the send was not counted
   */
  reserveSend(
    batch: StatementBatch,
    send: NumberSend,
    entry: string,
    now: number,
  ): () => number | undefined {
    const requirements = toRequirementValues(send, this.windows.failures, now);
    const values = toAcquireValues(
      this.windows.sends,
      Object.assign(requirements, send),
      entry,
      now,
    );
    const acquired = this.queries.reserveSend(batch, values);
    return () => acquired.row?.returned;
  }

  /**
   * Counts a code as wrong until it is checked, if its verification accepts one of its length and
   * its number is below the limit.
   */
  reserveAttempt(batch: StatementBatch, attempt: CodeAttempt, entry: string, now: number): void {
    this.queries.reserveAttempt(batch, toAcquireValues(this.windows.failures, attempt, entry, now));
  }
}

/**
 * Whether the wrong codes of the row let the code be checked before it expires. The first code of a
 * verification is checked beyond the client's share.
 */
function isCodeCheckable(
  windows: readonly NumberWindow[],
  { codesAfter0, codesAfter1, isFirstCode }: RequirementValues,
): RawBuilder<boolean>[] {
  const entries = sql.ref('client_numbers.failures');
  const isFirst = sql<boolean>`${isFirstCode} = 1`;
  return windows.map((window, index) =>
    isNumberWindowFree(FAILURES, window, entries, [codesAfter0, codesAfter1][index], isFirst),
  );
}
