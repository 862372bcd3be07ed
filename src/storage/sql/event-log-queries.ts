import { sql, type RawBuilder } from 'kysely';
import type { Database } from './database.js';
import type { Executor } from './statement.js';
import { ENTRY_WIDTH, lengthKept, positionOf, timeText, type Window } from './event-log.js';

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

/** Puts an entry in a log, unless one of the windows is full, or there is nobody whose log it is. */
export type Take<W, T> = (
  executor: Executor,
  whose: W,
  entry: string,
  now: number,
) => Promise<{ readonly told: T } | undefined>;

/** Whose log it is: a row to be written, made of its key and the rest; none if nobody's. */
type Owner<W> = (whose: W & { now: number }, rest: RawBuilder<unknown>) => RawBuilder<unknown>;

/** By the key itself. */
export const BY_KEY: Owner<{ key: string }> = ({ key }, rest) => sql`values (${key}, ${rest})`;

/** A code that a client brings for a verification. */
export interface Brought {
  readonly pinId: string;
  readonly client: string;
  readonly referenceHash: string;
}

/**
 * By a verification that takes a code, whose number's key nobody has to know first. It stays as it
 * is until the transaction ends.
 */
export const byVerification =
  ({ forUpdate }: Database): Owner<Brought> =>
  ({ pinId, client, referenceHash, now }, rest) => sql`
    select number_hash, ${rest} from verifications
    where pin_id = ${pinId} and client = ${client} and reference_hash = ${referenceHash}
      and status = 'pending' and expires_at > ${now} and attempts < max_attempts ${forUpdate}`;

/** One statement checks all windows and takes a place in the log: nothing fits in between. */
export function prepareTake<W extends object, T>(
  database: Database,
  { table, key, log, others, told }: LogPlace,
  windows: readonly Window[],
  owner: Owner<W>,
): Take<W, T> {
  const [into, conflict, column] = [sql.table(table), sql.ref(key), sql.ref(`${table}.${log}`)];
  const logs = sql.join([log, ...others].map((name) => sql.ref(name)));
  const free = (values: Record<string, unknown>) =>
    windows.map(({ count }, index) => {
      const { from, length } = positionOf(count);
      return sql`substr(${column}, ${sql.lit(from)}, ${sql.lit(length)}) <= ${values[before(index)]}`;
    });
  const query = database.prepare((_db, p: Record<string, unknown>) => {
    const rest = sql.join([
      sql`cast(${p['entry']} as text)`,
      ...others.map(() => sql.lit('')),
      sql`cast(${p['now']} as bigint)`,
    ]);
    return sql<{ told: T }>`
      insert into ${into} (${conflict}, ${logs}, touched_at) ${owner(p as W & { now: number }, rest)}
      on conflict (${conflict}) do update set
        ${sql.ref(log)} = ${sql.ref(`excluded.${log}`)} || substr(${column}, 1, ${sql.lit(lengthKept(windows))}),
        touched_at = excluded.touched_at
      where ${sql.join(free(p), sql` and `)}
      returning ${sql.ref(`${table}.${told}`)} as told`;
  });
  return async (executor, whose, entry, now) => {
    const values: Record<string, unknown> = { entry, now, ...whose };
    windows.forEach(({ windowMs }, index) => {
      values[before(index)] = timeText(now - windowMs);
    });
    const [row] = await query(executor, values);
    return row;
  };
}

const before = (window: number): string => `before${String(window)}`;

/** Whether this is the last entry that was put in a log. */
export const isNewest = (log: string, entry: string): RawBuilder<boolean> =>
  sql`substr(${sql.ref(log)}, 1, ${sql.lit(ENTRY_WIDTH)}) = ${entry}`;

/** Takes an entry out of a log again. */
export function prepareReturn(database: Database, { table, key, log }: LogPlace) {
  return database.prepare(
    (_db, p: { key: string; entry: string }) =>
      sql`update ${sql.table(table)} set ${sql.ref(log)} = replace(${sql.ref(log)}, ${p.entry}, '')
        where ${sql.ref(key)} = ${p.key}`,
  );
}
