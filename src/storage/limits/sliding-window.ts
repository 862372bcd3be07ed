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
  readonly table: 'numbers' | 'end_users';
  readonly key: 'number_hash' | 'address_hash';
  readonly column: 'sends' | 'failures';
  /** Columns of the same row that begin empty. */
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

const toTimeText = (time: number): string => String(time).padStart(TIME_WIDTH, '0');

/** Where in the column, counted from 1 as SQL does, the n-th newest entry begins. */
const getPosition = (n: number): number => ENTRY_WIDTH * (n - 1) + 1;

const getBoundName = (window: number): string => `before${String(window)}`;

/** When a full column accepts an event again; `undefined` if it does now. */
export function getBlockedUntil(
  entries: string,
  now: number,
  windows: readonly SlidingWindow[],
): number | undefined {
  const until = windows.map(({ count, windowMs }) => {
    const from = getPosition(count) - 1;
    // A replica whose clock is a little ahead may have written it.
    return Math.min(Number(entries.slice(from, from + TIME_WIDTH)), now) + windowMs;
  });
  const last = Math.max(...until);
  return last > now ? last : undefined;
}

/**
 * A query that adds an entry unless a window is full: one statement, so nothing comes in between.
 * @param selectRow the `select` of the row to insert or update: its key, then the other values in
 * `rest`. If it finds nothing, no entry is added.
 */
export function createAcquireQuery<W extends object>(
  { table, key, column, others, returning }: WindowEntryColumn,
  windows: readonly SlidingWindow[],
  selectRow: (p: W & NewWindowEntry, rest: RawBuilder<unknown>) => RawBuilder<unknown>,
) {
  const kept = ENTRY_WIDTH * (Math.max(...windows.map(({ count }) => count)) - 1);
  const entries = sql.ref(`${table}.${column}`);
  const columns = sql.join([column, ...others].map((name) => sql.ref(name)));
  return (_db: unknown, p: W & NewWindowEntry) => {
    const bounds = p as unknown as Record<string, unknown>;
    const free = windows.map(
      ({ count }, index) =>
        sql`substr(${entries}, ${sql.lit(getPosition(count))}, ${sql.lit(TIME_WIDTH)}) <= ${bounds[getBoundName(index)]}`,
    );
    const rest = sql.join([
      sql`cast(${p.entry} as text)`,
      ...others.map(() => sql.lit('')),
      sql`cast(${p.now} as bigint)`,
    ]);
    return sql<{ returned: number }>`
      insert into ${sql.table(table)} (${sql.ref(key)}, ${columns}, touched_at) ${selectRow(p, rest)}
      on conflict (${sql.ref(key)}) do update set
        ${sql.ref(column)} = ${sql.ref(`excluded.${column}`)} || substr(${entries}, 1, ${sql.lit(kept)}),
        touched_at = excluded.touched_at
      where ${sql.join(free, sql` and `)}
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
  windows.forEach(({ windowMs }, index) => {
    values[getBoundName(index)] = toTimeText(now - windowMs);
  });
  return values as W & NewWindowEntry;
}

/** A query that removes an entry and returns its key, if it was there. @param condition for it */
export const createReleaseQuery =
  <W extends object>(
    { table, key, column }: WindowEntryColumn,
    condition: (p: W) => RawBuilder<boolean> = () => sql`true`,
  ) =>
  (_db: unknown, p: W & { key: string; entry: string }) =>
    sql<{ released: string }>`
      update ${sql.table(table)} set ${sql.ref(column)} = replace(${sql.ref(column)}, ${p.entry}, '')
      where ${sql.ref(key)} = ${p.key} and ${hasEntry(column, p.entry)} and ${condition(p)}
      returning ${sql.ref(key)} as released`;

/** Whether a send is the newest of its number: it was counted just now, in the same transaction. */
export const isNewestSend = (p: { numberHash: string; entry: string }): RawBuilder<boolean> =>
  sql`exists (
    select 1 from numbers where number_hash = ${p.numberHash} and ${isNewest('sends', p.entry)})`;

/** Whether a send is the newest of its end user: it was counted just now, as above. */
export const isNewestEndUserSend = (p: {
  endUserHash: string;
  endUserEntry: string;
}): RawBuilder<boolean> =>
  sql`exists (
    select 1 from end_users
    where address_hash = ${p.endUserHash} and ${isNewest('sends', p.endUserEntry)})`;

/** Whether a code is the newest of its verification's number: it was counted just now, as above. */
export const isNewestCode = (p: CodeEntry): RawBuilder<boolean> =>
  numberExists(p, isNewest('failures', p.numberEntry));

/** Whether a code counts as wrong, at its verification's number; it need not be the newest. */
export const isCodeCounted = (p: CodeEntry): RawBuilder<boolean> =>
  numberExists(p, hasEntry('failures', p.numberEntry));

/** A submitted code, by its verification and its entry in the window of the number's wrong codes. */
export interface CodeEntry {
  pinId: string;
  numberEntry: string;
}

const numberExists = ({ pinId }: CodeEntry, condition: RawBuilder<boolean>): RawBuilder<boolean> =>
  sql`exists (
    select 1 from numbers
    where number_hash = (select number_hash from verifications where pin_id = ${pinId})
      and ${condition})`;

const hasEntry = (column: string, entry: string): RawBuilder<boolean> =>
  sql`replace(${sql.ref(column)}, ${entry}, '') <> ${sql.ref(column)}`;

const isNewest = (column: string, entry: string): RawBuilder<boolean> =>
  sql`substr(${sql.ref(column)}, 1, ${sql.lit(ENTRY_WIDTH)}) = ${entry}`;
