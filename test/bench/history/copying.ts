import type { HistoryDatabase } from './engine-sql.js';

/** Moves rows of the service's own out of the way, numbered from 1 in `seed`, to be copied from. */
export async function takeSeeds(
  database: HistoryDatabase,
  table: string,
  rows: string,
): Promise<number> {
  await database.run(`create temporary table seed_${table} as ${rows}`);
  await database.run(`create index seed_${table}_by_number on seed_${table} (seed)`);
  await database.run(`delete from ${table}`);
  const [count] = await database.list(`select count(*) from seed_${table}`);
  if (Number(count) === 0) throw new Error(`the service has left no ${table}`);
  return Number(count);
}

/**
 * Writes copies of seeds.
 * @param own what a copy has of its own, by column: expressions over `source`
 * @param source what comes after `from`; the row to be copied is `seed` in it
 */
export async function copySeeds(
  database: HistoryDatabase,
  table: string,
  own: Readonly<Record<string, string>>,
  source: string,
): Promise<void> {
  const columns = (await database.list(database.words.columnsOf(table))).map(String);
  const values = columns.map((column) => own[column] ?? `seed.${column}`);
  await database.run(
    `insert into ${table} (${columns.join(', ')}) select ${values.join(', ')} from ${source}`,
  );
}
