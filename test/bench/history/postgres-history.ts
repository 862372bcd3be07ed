import pg from 'pg';
import type { SqlDialect, HistoryDatabase } from './history-database.js';

/** A function, because a subquery would run only once for all rows. */
const RANDOM_TEXT = `create function pg_temp.random_text(length integer) returns text volatile language sql as
  $$ select substr(string_agg(md5(random()::text), ''), 1, length)
    from generate_series(0, length / 32) $$`;

const DIALECT: SqlDialect = {
  randomText: (length) => `pg_temp.random_text(${length})`,
  series: (count) => `generate_series(0, ${String(count - 1)}) as series(i)`,
  columnsOf: (table) =>
    `select column_name from information_schema.columns where table_name = '${table}'`,
};

/**
 * Opens a service's database, to fill it with past verifications. Uses one connection, because the
 * seed tables are temporary.
 */
export async function openPostgresHistory(url: string): Promise<HistoryDatabase> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(RANDOM_TEXT);
  const list = async (text: string) => (await client.query({ text, rowMode: 'array' })).rows.flat();
  return {
    dialect: DIALECT,
    run: async (statement) => {
      await client.query(statement);
    },
    list,
    flushAndGetSize: async () => {
      // Otherwise autovacuum would run during the measurement.
      await client.query('vacuum analyze');
      await client.query('checkpoint');
      const [bytes] = await list('select pg_database_size(current_database())');
      return Number(bytes);
    },
    close: () => client.end(),
  };
}
