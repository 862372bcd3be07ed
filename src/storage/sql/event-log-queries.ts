import { sql, type RawBuilder } from 'kysely';
import type { IdempotencyClaim } from '../verification-store.js';
import { holdsKey, isOpen } from './conditions.js';
import type { Database } from './database.js';
import type { Answer, Packet } from './statement.js';
import { lengthKept, positionOf, timeText, type Window } from './event-log.js';

/** A column that holds an event log, in a table with one row for each of those it limits. */
export interface LogPlace {
  readonly table: 'numbers' | 'end_users';
  readonly key: 'number_hash' | 'address_hash';
  readonly log: 'sends' | 'failures';
  /** Logs of the same row that begin empty. */
  readonly others: readonly ('sends' | 'failures')[];
  /** The column that whoever takes a place is told. */
  readonly told: string;
}

/**
 * Puts an entry in a log, unless one of the windows is full, or there is nobody whose log it is. Who
 * takes a place is told something.
 */
type Take<W> = (packet: Packet, whose: W, entry: string, now: number) => Answer<{ told: number }>;

/** Whose log it is: a row to be written, made of its key and the rest; none if nobody's. */
type Owner<W> = (whose: W & { now: number }, rest: RawBuilder<unknown>) => RawBuilder<unknown>;

/** By the key itself, on a condition. */
export const byKey =
  <W extends { key: string }>(condition: (whose: W) => RawBuilder<boolean>): Owner<W> =>
  (whose, rest) =>
    sql`select ${whose.key}, ${rest} where ${condition(whose)}`;

/** A code that a client brings for a verification. */
export interface Brought extends IdempotencyClaim {
  readonly pinId: string;
  readonly client: string;
  readonly referenceHash: string;
}

/**
 * By a verification that takes a code, whose number's key nobody has to know first, provided that
 * the code's run holds its idempotency key. It stays as it is until the transaction ends.
 */
export const byVerification =
  ({ forUpdate }: Database): Owner<Brought> =>
  (brought, rest) => sql`
    select number_hash, ${rest} from verifications
    where pin_id = ${brought.pinId} and client = ${brought.client}
      and reference_hash = ${brought.referenceHash} and ${holdsKey(brought)}
      and ${isOpen(brought.now)} and attempts < max_attempts ${forUpdate}`;

/** One statement checks all windows and takes a place in the log: nothing fits in between. */
export function prepareTake<W extends object>(
  database: Database,
  { table, key, log, others, told }: LogPlace,
  windows: readonly Window[],
  owner: Owner<W>,
): Take<W> {
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
    return sql<{ told: number }>`
      insert into ${into} (${conflict}, ${logs}, touched_at) ${owner(p as W & { now: number }, rest)}
      on conflict (${conflict}) do update set
        ${sql.ref(log)} = ${sql.ref(`excluded.${log}`)} || substr(${column}, 1, ${sql.lit(lengthKept(windows))}),
        touched_at = excluded.touched_at
      where ${sql.join(free(p), sql` and `)}
      returning ${sql.ref(`${table}.${told}`)} as told`;
  });
  return (packet, whose, entry, now) => {
    const values: Record<string, unknown> = { entry, now, ...whose };
    windows.forEach(({ windowMs }, index) => {
      values[before(index)] = timeText(now - windowMs);
    });
    return query(packet, values);
  };
}

const before = (window: number): string => `before${String(window)}`;

/** Takes an entry out of a log again. @param condition for it, if there is one */
export function prepareReturn<W extends object>(
  database: Database,
  { table, key, log }: LogPlace,
  condition: (whose: W) => RawBuilder<boolean> = () => sql`true`,
) {
  return database.prepare(
    (_db, p: W & { key: string; entry: string }) =>
      sql`update ${sql.table(table)} set ${sql.ref(log)} = replace(${sql.ref(log)}, ${p.entry}, '')
        where ${sql.ref(key)} = ${p.key} and ${condition(p)}`,
  );
}
