import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { hours } from '../../common/durations.js';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import { Database } from '../engines/database.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import type { LimitExceeded } from '../limit.types.js';
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

/** A send to count for its end user; `key` is the hash of client and IP address. */
interface EndUserSend extends ClientNumberKey {
  readonly key: string;
  /** The entry of the same send in the window of its number. */
  readonly numberEntry: string;
}

/** Limits the sends per IP address of an end user, for each client. */
@Injectable()
export class EndUserLimits {
  private readonly windows: readonly SlidingWindow[];
  readonly queries;

  constructor(database: Database, @Inject(limitsConfig.KEY) limits: LimitsConfig) {
    this.windows = [{ count: limits.sendsPerEndUserPerHour, windowMs: hours(1) }];
    this.queries = database.prepare('end_user_limits', {
      reserve: createAcquireQuery(SENDS, this.windows, (p: EndUserSend, rest) => {
        const { numberHash, client, numberEntry } = p;
        const wasCounted = isNewestSend({ numberHash, client, entry: numberEntry });
        return sql`select ${p.key}, ${rest} where ${wasCounted}`;
      }),
      release: createReleaseQuery<{ key: string }>(SENDS, (p) => sql`address_hash = ${p.key}`),
      read: (db, p: { key: string }) =>
        db.selectFrom('end_users').select('sends').where('address_hash', '=', p.key),
    });
  }

  /**
   * Counts a send if it was counted for its number and the hourly limit is not reached.
   * @returns a getter of whether it was counted
   */
  reserve(batch: StatementBatch, send: EndUserSend, entry: string, now: number): () => boolean {
    const values = toAcquireValues(this.windows, send, entry, now);
    const acquired = this.queries.reserve(batch, values);
    return () => acquired.row !== undefined;
  }

  async findSendLimit(executor: Executor, key: string, now: number): Promise<LimitExceeded> {
    const { row } = await executor.run((batch) => this.queries.read(batch, { key }));
    const until = getBlockedUntil(row?.sends ?? '', now, this.windows) ?? now;
    return { outcome: 'limited', limit: 'end_user_sends', until };
  }
}
