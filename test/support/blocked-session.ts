import type pg from 'pg';

/** Waits until any other session of the observer's database is blocked by a lock. */
export async function waitUntilBlocked(observer: pg.Client): Promise<void> {
  const text = `select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await observer.query(text)).rows.length === 0);
}
