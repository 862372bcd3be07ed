import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { hours } from '../../common/durations.js';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import { Database } from '../engines/database.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import type { ClientLimits, LimitExceeded } from '../limit.types.js';
import type { VerificationRow } from '../migrations/schema.js';
import {
  createAcquireQuery,
  toAcquireValues,
  getBlockedUntil,
  createReleaseQuery,
  type WindowEntryColumn,
  type SlidingWindow,
} from './sliding-window.js';
import { isNewestSend, type ClientNumberKey } from './window-predicates.js';

const SENDS: WindowEntryColumn = {
  table: 'end_users',
  key: ['address_hash'],
  column: 'sends',
  others: [],
  returning: 'touched_at',
};

/** A send to count for its end user. `key` is the hash of the client and the IP address. */
interface EndUserSend extends ClientNumberKey {
  readonly key: string;
  /** The entry of the same send in the window of its number. */
  readonly numberEntry: string;
}

type ReserveQuery = ReturnType<typeof prepareReserve>;

/** Limits the sends per IP address of an end user, for each client. */
@Injectable()
export class EndUserLimits {
  readonly queries;
  /** By the hourly limit, which is part of the text of the statement. */
  private readonly reserveQueries = new Map<number, ReserveQuery>();

  constructor(
    private readonly database: Database,
    @Inject(limitsConfig.KEY) private readonly defaults: LimitsConfig,
  ) {
    const { sendsPerEndUserPerHour: count } = defaults;
    this.reserveQueries.set(count, prepareReserve(database, 'end_user_limits', count));
    this.queries = database.prepare('end_user_limits', {
      release: createReleaseQuery<{ key: string }>(SENDS, (p) => sql`address_hash = ${p.key}`),
      read: (db, p: { key: string }) =>
        db.selectFrom('end_users').select('sends').where('address_hash', '=', p.key),
    });
  }

  /**
   * Counts a send if it was counted for its number and the hourly limit is not reached.
   * @param entry the send's entry in the window of its end user
   * @returns a getter of whether it was counted
   */
  reserve(
    batch: StatementBatch,
    send: EndUserSend,
    entry: string,
    now: number,
    limits?: ClientLimits,
  ): () => boolean {
    const count = this.getSendsPerHour(limits);
    const values = toAcquireValues(toWindows(count), send, entry, now);
    const acquired = this.findReserveQuery(count)(batch, values);
    return () => acquired.row !== undefined;
  }

  /** Finds until when the end user's limit blocks a send; `now` if it blocks no more. */
  async findSendLimit(
    executor: Executor,
    { end_user_hash: key }: Pick<VerificationRow, 'end_user_hash'>,
    now: number,
    limits?: ClientLimits,
  ): Promise<LimitExceeded> {
    const { row } = await executor.run((batch) => this.queries.read(batch, { key }));
    const windows = toWindows(this.getSendsPerHour(limits));
    const until = getBlockedUntil(row?.sends ?? '', now, windows) ?? now;
    return { outcome: 'limited', limit: 'end_user_sends', until };
  }

  private getSendsPerHour(limits: ClientLimits | undefined): number {
    return (limits?.limits ?? this.defaults).sendsPerEndUserPerHour;
  }

  private findReserveQuery(count: number): ReserveQuery {
    const query =
      this.reserveQueries.get(count) ??
      prepareReserve(this.database, `end_user_limits_${String(count)}`, count);
    this.reserveQueries.set(count, query);
    return query;
  }
}

const toWindows = (count: number): readonly SlidingWindow[] => [{ count, windowMs: hours(1) }];

const prepareReserve = (database: Database, group: string, count: number) =>
  database.prepare(group, {
    reserve: createAcquireQuery(SENDS, toWindows(count), (p: EndUserSend, rest) => {
      const { numberHash, client, numberEntry } = p;
      const wasCounted = isNewestSend({ numberHash, client, entry: numberEntry });
      return sql`select ${p.key}, ${rest} where ${wasCounted}`;
    }),
  }).reserve;
