import { sql } from 'kysely';
import type { Database, Executor } from './database.js';
import { lengthKept, newEntry, positionOf, timeText, type Window } from './event-log.js';

/** A column that holds an event log, in a table with one row for each of those it limits. */
export interface LogPlace {
  readonly table: 'numbers' | 'end_users';
  readonly key: 'number_hash' | 'address_hash';
  readonly log: 'sends' | 'failures';
  /** Logs of the same row that begin empty. */
  readonly others: readonly ('sends' | 'failures')[];
  /** A column that whoever takes a place is told. */
  readonly told: string;
}

/** A place taken in a log. */
interface Place<T> {
  readonly entry: string;
  readonly told: T;
}

/** Takes a place in the log of `key`, unless one of the windows is full. */
export type Take<T> = (
  executor: Executor,
  key: string,
  now: number,
) => Promise<Place<T> | undefined>;

/** One statement checks all windows and takes a place in the log: nothing fits in between. */
export function prepareTake<T>(
  database: Database,
  { table, key, log, others, told }: LogPlace,
  windows: readonly Window[],
): Take<T> {
  const [into, conflict, column] = [sql.table(table), sql.ref(key), sql.ref(`${table}.${log}`)];
  const logs = sql.join([log, ...others].map((name) => sql.ref(name)));
  const free = (values: Record<string, unknown>) =>
    windows.map(({ count }, index) => {
      const { from, length } = positionOf(count);
      return sql`substr(${column}, ${sql.lit(from)}, ${sql.lit(length)}) <= ${values[before(index)]}`;
    });
  const query = database.prepare(
    (_db, p: Record<string, unknown>) =>
      sql<{ told: T }>`
      insert into ${into} (${conflict}, ${logs}, touched_at)
      values (${sql.join([p['key'], p['entry'], ...others.map(() => sql.lit('')), p['now']])})
      on conflict (${conflict}) do update set
        ${sql.ref(log)} = ${sql.ref(`excluded.${log}`)} || substr(${column}, 1, ${sql.lit(lengthKept(windows))}),
        touched_at = excluded.touched_at
      where ${sql.join(free(p), sql` and `)}
      returning ${sql.ref(`${table}.${told}`)} as told`,
  );
  return async (executor, key, now) => {
    const entry = newEntry(now);
    const values: Record<string, unknown> = { key, entry, now };
    windows.forEach(({ windowMs }, index) => {
      values[before(index)] = timeText(now - windowMs);
    });
    const [row] = await query(executor, values);
    return row && { entry, told: row.told };
  };
}

const before = (window: number): string => `before${String(window)}`;

/** Takes an entry out of a log again. */
export function prepareReturn(database: Database, { table, key, log }: LogPlace) {
  return database.prepare(
    (_db, p: { key: string; entry: string }) =>
      sql`update ${sql.table(table)} set ${sql.ref(log)} = replace(${sql.ref(log)}, ${p.entry}, '')
        where ${sql.ref(key)} = ${p.key}`,
  );
}
