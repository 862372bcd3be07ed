import { Injectable } from '@nestjs/common';
import { hours } from '../../common/durations.js';
import { AppConfig } from '../../config/app-config.js';
import type { Limited } from '../verification-store.js';
import { Database } from './database.js';
import { fullUntil, newEntry, type Window } from './event-log.js';
import { BY_KEY, prepareReturn, prepareTake, type LogPlace } from './event-log-queries.js';
import type { Executor } from './statement.js';

const SENDS: LogPlace = {
  table: 'end_users',
  key: 'address_hash',
  log: 'sends',
  others: [],
  told: 'touched_at',
};

/** How many texts the users behind one address may cause, over all clients. */
@Injectable()
export class EndUserLimits {
  private readonly windows: readonly Window[];
  private readonly queries;

  constructor(database: Database, { perEndUser }: AppConfig) {
    this.windows = [{ count: perEndUser.sendsPerHour, windowMs: hours(1) }];
    this.queries = {
      take: prepareTake(database, SENDS, this.windows, BY_KEY),
      giveBack: prepareReturn(database, SENDS),
      read: database.prepare((db, p: { key: string }) =>
        db.selectFrom('end_users').select('sends').where('address_hash', '=', p.key),
      ),
    };
  }

  /** Counts a text, provided that the hour has room for it. */
  async take(
    executor: Executor,
    addressHash: string,
    now: number,
  ): Promise<{ readonly outcome: 'taken'; readonly entry: string } | Limited> {
    const entry = newEntry(now);
    const taken = await this.queries.take(executor, { key: addressHash }, entry, now);
    if (taken) return { outcome: 'taken', entry };
    const [row] = await this.queries.read(executor, { key: addressHash });
    return {
      outcome: 'limited',
      limit: 'end_user_sends',
      until: fullUntil(row?.sends ?? '', now, this.windows) ?? now,
    };
  }

  /** The text never left. */
  async giveBack(executor: Executor, addressHash: string, entry: string): Promise<void> {
    await this.queries.giveBack(executor, { key: addressHash, entry });
  }
}
