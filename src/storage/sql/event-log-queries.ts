import { sql, type RawBuilder } from 'kysely';
import type { Database } from './database.js';
import type { Executor } from './statement.js';
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

/** Takes a place in a log, unless one of the windows is full, or there is nobody whose log it is. */
export type Take<W, T> = (
  executor: Executor,
  whose: W,
  now: number,
) => Promise<Place<T> | undefined>;

/** Whose log it is: a row to be written, made of its key and the rest. */
type Owner<W> = (whose: W, rest: RawBuilder<unknown>) => RawBuilder<unknown>;

/** By the key itself. */
export const BY_KEY: Owner<{ key: string }> = ({ key }, rest) => sql`values (${key}, ${rest})`;

/** By a verification of a client, whose number's key nobody has to know first. */
export const BY_VERIFICATION: Owner<{ pinId: string; client: string }> = (
  { pinId, client },
  rest,
) => sql`select number_hash, ${rest} from verifications
  where pin_id = ${pinId} and client = ${client}`;

/** One statement checks all windows and takes a place in the log: nothing fits in between. */
export function prepareTake<W extends Record<string, string>, T>(
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
      insert into ${into} (${conflict}, ${logs}, touched_at) ${owner(p as W, rest)}
      on conflict (${conflict}) do update set
        ${sql.ref(log)} = ${sql.ref(`excluded.${log}`)} || substr(${column}, 1, ${sql.lit(lengthKept(windows))}),
        touched_at = excluded.touched_at
      where ${sql.join(free(p), sql` and `)}
      returning ${sql.ref(`${table}.${told}`)} as told`;
  });
  return async (executor, whose, now) => {
    const entry = newEntry(now);
    const values: Record<string, unknown> = { entry, now, ...whose };
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
