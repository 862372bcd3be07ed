import { sql, type RawBuilder } from 'kysely';
import { getRandomBytes } from '../../common/random.js';

/*
 * Counts recent events exactly, in one text column: an entry of fixed width per event, newest
 * first, beginning with its time. "Fewer than n in the last hour" is then "the n-th newest entry is
 * older than an hour": one comparison of two texts. So a single conditional statement checks several
 * windows and adds an entry. Each entry is unique, so that it can be removed if its event did not
 * happen after all.
 */

/** Milliseconds since the epoch have 13 digits from 2001 to 2286. */
const TIME_WIDTH = 13;
const ENTRY_WIDTH = TIME_WIDTH + 8;

/** A limit on events: at most `count` in any `windowMs`. */
export interface SlidingWindow {
  readonly count: number;
  readonly windowMs: number;
}

/** A column of entries, in a table with one row per subject of the limit. */
export interface WindowEntryColumn {
  readonly table: 'client_numbers' | 'end_users';
  readonly key: readonly ('number_hash' | 'client' | 'address_hash')[];
  readonly column: 'sends' | 'failures';
  /** Further columns of entries in the same table. In a new row they are empty. */
  readonly others: readonly ('sends' | 'failures')[];
  /** The column whose value is returned with a new entry. */
  readonly returning: 'verified_at' | 'touched_at';
}

interface NewWindowEntry {
  readonly entry: string;
  readonly now: number;
}

/** Creates the entry of an event at this time, in milliseconds since the epoch. */
export const createWindowEntry = (now: number): string =>
  toTimeText(now) + getRandomBytes(4).toString('hex');

/** A time in milliseconds since the epoch, as entries begin: texts compare as the times do. */
export const toTimeText = (time: number): string => String(time).padStart(TIME_WIDTH, '0');

/** Where in the column, counted from 1 as SQL does, the n-th newest entry begins. */
const getPosition = (n: number): number => ENTRY_WIDTH * (n - 1) + 1;

/** The name of the parameter with the begin of a window, by the index of the window. */
const getBoundName = (index: number): string => `windowBegin${String(index)}`;

/** The begin of each window that ends at a time in milliseconds since the epoch, as text. */
export const toBounds = (windows: readonly SlidingWindow[], endsAt: number): string[] =>
  windows.map(({ windowMs }) => toTimeText(endsAt - windowMs));

/** When the n-th newest event happened; 0 if there are fewer. */
export function getEntryTime(entries: string, n: number): number {
  const from = getPosition(n) - 1;
  return Number(entries.slice(from, from + TIME_WIDTH));
}

/** How many events happened after a time. */
export function countEntriesAfter(entries: string, time: number): number {
  let count = 0;
  while (getEntryTime(entries, count + 1) > time) count += 1;
  return count;
}

/** When all windows of a column accept another event; `undefined` if they do now. */
export function getBlockedUntil(
  entries: string,
  now: number,
  windows: readonly SlidingWindow[],
): number | undefined {
  const until = windows.map(
    // A replica whose clock is a little ahead may have written an entry later than `now`.
    ({ count, windowMs }) => Math.min(getEntryTime(entries, count), now) + windowMs,
  );
  const last = Math.max(...until);
  return last > now ? last : undefined;
}

/** Whether fewer than `count` events happened after a time, in a column of entries. */
export const isBelow = (
  entries: RawBuilder<unknown>,
  count: number,
  after: unknown,
): RawBuilder<boolean> =>
  sql`substr(${entries}, ${sql.lit(getPosition(count))}, ${sql.lit(TIME_WIDTH)}) <= ${after}`;

/** How many events happened after a time, in a column of entries; `max` if there are more. */
export function countAfter(
  entries: RawBuilder<unknown>,
  max: number,
  after: unknown,
): RawBuilder<number> {
  const cases = Array.from(
    { length: max },
    (_, count) => sql`when ${isBelow(entries, count + 1, after)} then ${sql.lit(count)}`,
  );
  return sql`case ${sql.join(cases, sql` `)} else ${sql.lit(max)} end`;
}

/** Whether a window accepts another event: events `after` a time count. `p` are the parameters. */
type WindowCondition<W, S> = (
  window: S,
  entries: RawBuilder<unknown>,
  after: unknown,
  p: W,
) => RawBuilder<boolean>;

/**
 * A query that adds an entry unless a window is full. It is one statement, so no other request can
 * add an entry between the check and the write.
 * @param selectRow the `select` of the row to insert or update: its key, then the other values in
 * `rest`. If it selects no row, no entry is added.
 * @param requirements further conditions on an existing row
 */
export function createAcquireQuery<W extends object, S extends SlidingWindow>(
  { table, key, column, others, returning }: WindowEntryColumn,
  windows: readonly S[],
  selectRow: (p: W & NewWindowEntry, rest: RawBuilder<unknown>) => RawBuilder<unknown>,
  isFree: WindowCondition<W, S> = (window, entries, after) => isBelow(entries, window.count, after),
  requirements: (p: W) => readonly RawBuilder<boolean>[] = () => [],
) {
  const keptLength = ENTRY_WIDTH * (Math.max(...windows.map(({ count }) => count)) - 1);
  const entries = sql.ref(`${table}.${column}`);
  const keyColumns = sql.join(key.map((name) => sql.ref(name)));
  const columns = sql.join([column, ...others].map((name) => sql.ref(name)));
  return (_db: unknown, p: W & NewWindowEntry) => {
    const bounds = p as unknown as Record<string, unknown>;
    const free = windows.map((window, index) =>
      isFree(window, entries, bounds[getBoundName(index)], p),
    );
    const rest = sql.join([
      sql`cast(${p.entry} as text)`,
      ...others.map(() => sql.lit('')),
      sql`cast(${p.now} as bigint)`,
    ]);
    return sql<{ returned: number }>`
      insert into ${sql.table(table)} (${keyColumns}, ${columns}, touched_at) ${selectRow(p, rest)}
      on conflict (${keyColumns}) do update set
        ${sql.ref(column)} = ${sql.ref(`excluded.${column}`)} || substr(${entries}, 1, ${sql.lit(keptLength)}),
        touched_at = excluded.touched_at
      where ${sql.join([...free, ...requirements(p)], sql` and `)}
      returning ${sql.ref(`${table}.${returning}`)} as returned`;
  };
}

/** The parameters of a {@link createAcquireQuery}: its own and those of its `selectRow`. */
export function toAcquireValues<W extends object>(
  windows: readonly SlidingWindow[],
  selectParameters: W,
  entry: string,
  now: number,
): W & NewWindowEntry {
  const values: Record<string, unknown> = { entry, now, ...selectParameters };
  toBounds(windows, now).forEach((bound, index) => {
    values[getBoundName(index)] = bound;
  });
  return values as W & NewWindowEntry;
}

/** A query that removes an entry from the row that meets `isRow`; returns a row if it was there. */
export const createReleaseQuery =
  <W extends object>({ table, column }: WindowEntryColumn, isRow: (p: W) => RawBuilder<boolean>) =>
  (_db: unknown, p: W & { entry: string }) =>
    sql<{ released: number }>`
      update ${sql.table(table)} set ${sql.ref(column)} = replace(${sql.ref(column)}, ${p.entry}, '')
      where ${isRow(p)} and ${hasEntry(column, p.entry)}
      returning 1 as released`;

/** As {@link createReleaseQuery}, but replaces the entry: a repeated run finds it no more. */
export const createReplaceQuery =
  <W extends object>({ table, column }: WindowEntryColumn, isRow: (p: W) => RawBuilder<boolean>) =>
  (_db: unknown, p: W & { entry: string; newEntry: string }) =>
    sql<{ replaced: number }>`
      update ${sql.table(table)}
      set ${sql.ref(column)} = replace(${sql.ref(column)}, ${p.entry}, ${p.newEntry})
      where ${isRow(p)} and ${hasEntry(column, p.entry)}
      returning 1 as replaced`;

/** Whether an entry is in a column. */
export const hasEntry = (column: string, entry: string): RawBuilder<boolean> =>
  sql`replace(${sql.ref(column)}, ${entry}, '') <> ${sql.ref(column)}`;

/** Whether an entry is the newest of a column: so it was added just now, in this transaction. */
export const isNewest = (column: string, entry: string): RawBuilder<boolean> =>
  sql`substr(${sql.ref(column)}, 1, ${sql.lit(ENTRY_WIDTH)}) = ${entry}`;
