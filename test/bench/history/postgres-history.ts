import pg from 'pg';
import type { EngineWords, HistoryDatabase } from './engine-sql.js';

const HASH_LENGTH = 32;

const WORDS: EngineWords = {
  noise: (length) =>
    `coalesce((select substr(string_agg(md5(random()::text), ''), 1, ${length})
      from generate_series(1, ${length} / ${String(HASH_LENGTH)} + 1)), '')`,
  series: (count) => `generate_series(0, ${String(count - 1)}) as series(i)`,
  columnsOf: (table) =>
    `select column_name from information_schema.columns where table_name = '${table}'`,
};

/** On one connection, because the tables beside the service's are temporary. */
export async function openPostgresHistory(url: string): Promise<HistoryDatabase> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const list = async (text: string) => (await client.query({ text, rowMode: 'array' })).rows.flat();
  return {
    words: WORDS,
    run: async (statement) => {
      await client.query(statement);
    },
    list,
    finish: async () => {
      // What autovacuum would come to do in the middle of it.
      await client.query('vacuum analyze');
      await client.query('checkpoint');
      const [bytes] = await list('select pg_database_size(current_database())');
      await client.end();
      return Number(bytes);
    },
  };
}
