import type { HistoryDatabase } from './history-database.js';

/** Moves rows that the service wrote into a temporary table, numbered from 1 in `seed`. */
export async function extractSeeds(
  database: HistoryDatabase,
  table: string,
  rows: string,
): Promise<number> {
  await database.run(`create temporary table seed_${table} as ${rows}`);
  await database.run(`create index seed_${table}_by_number on seed_${table} (seed)`);
  await database.run(`delete from ${table}`);
  const [count] = await database.list(`select count(*) from seed_${table}`);
  if (Number(count) === 0) throw new Error(`the service has written no ${table}`);
  return Number(count);
}

/**
 * Writes copies of seed rows.
 * @param changes the columns that differ from the seed row: expressions over `source`
 * @param source what comes after `from`; the seed row is named `seed` in it
 */
export async function copySeeds(
  database: HistoryDatabase,
  table: string,
  changes: Readonly<Record<string, string>>,
  source: string,
): Promise<void> {
  const columns = (await database.list(database.dialect.columnsOf(table))).map(String);
  const values = columns.map((column) => changes[column] ?? `seed.${column}`);
  await database.run(
    `insert into ${table} (${columns.join(', ')}) select ${values.join(', ')} from ${source}`,
  );
}
