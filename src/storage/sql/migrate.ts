import { sql, type Kysely, type Transaction } from 'kysely';
import { initial } from './migrations/0001-initial.js';
import { traffic } from './migrations/0002-traffic.js';
import { maybeTexted } from './migrations/0003-maybe-texted.js';
import { runs } from './migrations/0004-runs.js';

/** In the order of their numbers. One that has been released is never changed. */
const MIGRATIONS: readonly ((db: Kysely<unknown>) => Promise<void>)[] = [
  initial,
  traffic,
  maybeTexted,
  runs,
];

/**
 * Brings a database up to this code, or finds it there. Safe when several replicas start together:
 * the first migrates under `lock`, the others wait and find nothing to do.
 * @throws Error if the database is newer than this code: an older release must not write to it.
 */
export async function migrate<T>(
  db: Kysely<T>,
  lock: (transaction: Transaction<T>) => Promise<void>,
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await lock(transaction);
    await sql`create table if not exists schema_version (version integer not null)`.execute(
      transaction,
    );
    const { rows } = await sql<{ version: number }>`select version from schema_version`.execute(
      transaction,
    );
    const version = rows[0]?.version ?? 0;
    if (version > MIGRATIONS.length) {
      throw new Error(
        `The database has schema version ${String(version)}, and this release knows only ` +
          `${String(MIGRATIONS.length)}. Start the release that made it, or a newer one.`,
      );
    }
    for (const apply of MIGRATIONS.slice(version)) await apply(transaction as Transaction<unknown>);
    await sql`delete from schema_version`.execute(transaction);
    await sql`insert into schema_version (version) values (${sql.lit(MIGRATIONS.length)})`.execute(
      transaction,
    );
  });
}
