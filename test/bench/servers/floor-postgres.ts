import pg from 'pg';
import type { FloorStore } from './floor.js';

/** Prepares statements once per connection, like the service. */
export async function openPostgresFloor(url: string): Promise<FloorStore> {
  const pool = new pg.Pool({ connectionString: url, max: 20 });
  await pool.query(`create table floor (
    pin_id text primary key, phone_number text not null, provider_pin_id text,
    status text not null, attempts integer not null)`);
  const prepared =
    (name: string, text: string) =>
    (...values: string[]) =>
      pool.query<{ provider_pin_id: string }>({ name, text, values });
  const insert = prepared('insert', `insert into floor values ($1, $2, null, 'sending', 0)`);
  const confirm = prepared(
    'confirm',
    `update floor set provider_pin_id = $2, status = 'pending' where pin_id = $1`,
  );
  const countAttempt = prepared(
    'count',
    'update floor set attempts = attempts + 1 where pin_id = $1 returning provider_pin_id',
  );
  const complete = prepared('complete', 'update floor set status = $2 where pin_id = $1');
  return {
    insert,
    confirm,
    countAttempt: async (pinId) => (await countAttempt(pinId)).rows[0]?.provider_pin_id ?? '',
    complete,
  };
}
