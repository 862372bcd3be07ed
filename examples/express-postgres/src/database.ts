import { runner } from 'node-pg-migrate';
import pg from 'pg';

const { DATABASE_URL = 'postgres://example:example@127.0.0.1:5432/example' } = process.env;

export const pool = new pg.Pool({ connectionString: DATABASE_URL });

/** Applies the missing migrations. Of several processes, one applies them while the others wait. */
export async function migrate(): Promise<void> {
  await runner({
    databaseUrl: DATABASE_URL,
    dir: 'migrations',
    direction: 'up',
    migrationsTable: 'migrations',
    log: () => undefined,
  });
}
