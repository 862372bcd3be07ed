import { Inject, Injectable } from '@nestjs/common';
import { sql, type RawBuilder } from 'kysely';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { Database } from '../engines/database.js';
import type { StatementBatch } from '../engines/statement-batch.js';
import type { IdempotencyClaim } from '../idempotency.types.js';
import type { ClientLimits } from '../limit.types.js';
import { FAILURES, SENDS } from './number-columns.js';
import {
  createNumberWindows,
  isNumberWindowFree,
  type NumberWindow,
  type NumberWindows,
} from './number-shares.js';
import { hasLengthOfCode, isOpen, isUntouched, ownsIdempotencyKey } from './predicates.js';
import {
  passesFloodFilter,
  toRequirementValues,
  type RequirementValues,
  type SendRequirements,
} from './send-requirements.js';
import { createAcquireQuery, toAcquireValues } from './sliding-window.js';
import type { ClientNumberKey } from './window-predicates.js';

/** A send to count for its client and number. */
type NumberSend = IdempotencyClaim & ClientNumberKey & SendRequirements;

/** A code to count for the client and number of its verification. */
interface CodeAttempt extends IdempotencyClaim {
  readonly pinId: string;
  readonly client: string;
  readonly referenceHash: string;
  /** How many digits or letters the submitted code has. */
  readonly codeLength: number;
  /** 1 if only the first code of a verification may be checked. */
  readonly firstCodeOnly: 0 | 1;
}

type ReservationQueries = ReturnType<typeof prepareReservations>;

/** The windows of one set of limits, and the queries that count sends and codes within them. */
interface NumberReservation {
  readonly windows: NumberWindows;
  readonly queries: ReservationQueries;
}

/**
 * Counts sends and codes within the limits of their client. The text of the statements contains the
 * limits, so each set of limits has its own statements. Clients without limits of their own share
 * them.
 */
@Injectable()
export class NumberReservations {
  private readonly defaults: NumberReservation;
  private readonly queriesByCounts = new Map<string, ReservationQueries>();
  private readonly byLimits = new WeakMap<ClientLimits, NumberReservation>();

  constructor(
    private readonly database: Database,
    @Inject(otpConfig.KEY) otp: OtpConfig,
    @Inject(limitsConfig.KEY) limits: LimitsConfig,
  ) {
    const windows = createNumberWindows(otp, limits);
    const queries = prepareReservations(database, 'number_limits', windows);
    this.queriesByCounts.set(describeCounts(windows), queries);
    this.defaults = { windows, queries };
  }

  /**
   * Counts a send if all of this holds: its run owns its idempotency key, neither the cooldown nor
   * the daily limit is reached, its code can be verified, and no flood filter drops its message.
   * @returns a getter: `undefined` if the send was not counted, else when the client last verified
   * the number, in milliseconds since the epoch; 0 if never
   */
  reserveSend(
    batch: StatementBatch,
    send: NumberSend,
    entry: string,
    now: number,
    limits?: ClientLimits,
  ): () => number | undefined {
    const { windows, queries } = this.find(limits);
    const requirements = toRequirementValues(send, windows.failures, now);
    const values = toAcquireValues(windows.sends, Object.assign(requirements, send), entry, now);
    const acquired = queries.reserveSend(batch, values);
    return () => acquired.row?.returned;
  }

  /**
   * Counts a code as wrong until it is checked, if its verification accepts a code of this length
   * and the limits of the number are not reached.
   */
  reserveAttempt(
    batch: StatementBatch,
    attempt: CodeAttempt,
    entry: string,
    now: number,
    limits?: ClientLimits,
  ): void {
    const { windows, queries } = this.find(limits);
    queries.reserveAttempt(batch, toAcquireValues(windows.failures, attempt, entry, now));
  }

  private find(limits: ClientLimits | undefined): NumberReservation {
    if (!limits) return this.defaults;
    const cached = this.byLimits.get(limits);
    if (cached) return cached;
    const windows = createNumberWindows(limits.otp, limits.limits);
    const reservation = { windows, queries: this.findQueries(windows) };
    this.byLimits.set(limits, reservation);
    return reservation;
  }

  private findQueries(windows: NumberWindows): ReservationQueries {
    const counts = describeCounts(windows);
    const queries =
      this.queriesByCounts.get(counts) ??
      prepareReservations(this.database, `number_limits_${counts}`, windows);
    this.queriesByCounts.set(counts, queries);
    return queries;
  }
}

/**
 * The counts of the windows. The text of a statement depends on them alone: shares follow from
 * them.
 */
const describeCounts = ({ sends, failures }: NumberWindows): string =>
  [...sends, ...failures].map(({ count }) => String(count)).join('_');

function prepareReservations(
  database: Database,
  group: string,
  { sends, failures }: NumberWindows,
) {
  const { lockClause } = database;
  return database.prepare(group, {
    reserveSend: createAcquireQuery(
      SENDS,
      sends,
      (p: NumberSend & RequirementValues, rest) => sql`
          select ${p.numberHash}, ${p.client}, ${rest}
          where ${ownsIdempotencyKey(p)} and ${passesFloodFilter(p)}`,
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
  });
}

/**
 * Whether the wrong codes of the client and number let the new code be checked before it expires.
 * The client's share does not limit the first code of a verification.
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
