import { sql } from 'kysely';
import { hours } from '../common/durations.js';
import type { StorageConfig } from '../config/storage.config.js';
import type { Database } from './engines/database.js';
import { openForReading } from './engines/open-database.js';
import {
  COUNTED_COLUMNS,
  countUsage,
  USAGE_COUNTS,
  type CountedVerification,
  type Usage,
} from './usage-counts.js';

interface SelectedDay {
  day: string;
  /** Milliseconds since the epoch. */
  start: number;
  end: number;
}

/**
 * A row of the query. If `count` is above 0, it is the number of verifications with these columns, whose
 * usage is not counted yet. If it is 0, the row is usage that is already counted.
 */
type UsageRecord = CountedVerification & { readonly count: number } & Omit<Usage, 'day'>;

/** Reads the usage of days. It neither writes nor migrates. */
export class UsageHistory {
  private readonly queries;

  /** @throws Error if there is no database where the settings say. */
  static async open(config: StorageConfig): Promise<UsageHistory> {
    return new UsageHistory(await openForReading(config));
  }

  constructor(private readonly database: Database) {
    this.queries = prepareHistoryQueries(database);
  }

  /**
   * Reads the usage of a UTC day. Several entries may be for the same client, country, provider and
   * channel: add them up.
   * @param day such as `2026-11-30`
   */
  async readDay(day: string): Promise<Usage[]> {
    const start = Date.parse(day);
    const { rows } = await this.database.run((batch) =>
      this.queries.readDay(batch, { day, start, end: start + hours(24) }),
    );
    return rows.flatMap((record) =>
      record.count > 0 ? countUsage(record, day, record.count) : [Object.assign(record, { day })],
    );
  }

  async close(): Promise<void> {
    await this.database.onApplicationShutdown();
  }
}

const columns = (names: readonly string[]) => sql.join(names.map((name) => sql.ref(name)));

const prepareHistoryQueries = (database: Database) =>
  database.prepare('usage', {
    /**
     * Selects stored verifications, the daily usage, and the deliveries of stored messages. `texts` is 0
     * for a test number. `pin_id` is empty until a message is linked to its verification.
     *
     * One statement, so that no verification is missed or counted twice if it is moved to the daily
     * usage at the same time.
     */
    readDay: (_db, p: SelectedDay) => sql<UsageRecord>`
      select ${columns(COUNTED_COLUMNS)}, count(*) as count,
        0 as verifications, 0 as sends, 0 as delivered, 0 as undelivered, 0 as verified, 0 as blocked
      from verifications
      where created_at >= ${p.start} and created_at < ${p.end} and texts > 0
      group by ${columns(COUNTED_COLUMNS)}
      union all
      select client, country, provider, channel, '', 0, '', '', 0, ${columns(USAGE_COUNTS)}
      from usage_daily where day = ${p.day}
      union all
      select client, country, provider, channel, '', 0, '', '', 0, 0, 0,
        count(case when status = 'delivered' then 1 end),
        count(case when status not in ('pending', 'delivered', 'unknown') then 1 end), 0, 0
      from messages
      where pin_id <> '' and sent_at >= ${p.start} and sent_at < ${p.end}
      group by client, country, provider, channel`,
  });
