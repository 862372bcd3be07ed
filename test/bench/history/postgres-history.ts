import pg from 'pg';
import type { EngineWords, HistoryDatabase } from './engine-sql.js';

/** A subquery in its place would be run once for all rows. */
const NOISE = `create function pg_temp.noise(length integer) returns text volatile language sql as
  $$ select substr(string_agg(md5(random()::text), ''), 1, length)
    from generate_series(0, length / 32) $$`;

const WORDS: EngineWords = {
  noise: (length) => `pg_temp.noise(${length})`,
  series: (count) => `generate_series(0, ${String(count - 1)}) as series(i)`,
  columnsOf: (table) =>
    `select column_name from information_schema.columns where table_name = '${table}'`,
};

/** On one connection, because the tables beside the service's are temporary. */
export async function openPostgresHistory(url: string): Promise<HistoryDatabase> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(NOISE);
  const list = async (text: string) => (await client.query({ text, rowMode: 'array' })).rows.flat();
  return {
    words: WORDS,
    run: async (statement) => {
      await client.query(statement);
    },
    list,
    settle: async () => {
      // What autovacuum would come to do in the middle of it.
      await client.query('vacuum analyze');
      await client.query('checkpoint');
      const [bytes] = await list('select pg_database_size(current_database())');
      return Number(bytes);
    },
    close: () => client.end(),
  };
}
