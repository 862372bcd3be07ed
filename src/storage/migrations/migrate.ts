import { Kysely, sql, type Dialect } from 'kysely';
import { initial } from './0001-initial.js';
import { traffic } from './0002-traffic.js';
import { maybeTexted } from './0003-maybe-texted.js';
import { runs } from './0004-runs.js';
import { clientTraffic } from './0005-client-traffic.js';
import { clientNumbers } from './0006-client-numbers.js';
import { unresolvedChecks } from './0007-unresolved-checks.js';
import { locale } from './0008-locale.js';
import { codeLength } from './0009-code-length.js';
import { messages } from './0010-messages.js';
import { outbox } from './0011-outbox.js';
import { usage } from './0012-usage.js';
import { trafficAge } from './0013-traffic-age.js';

/** In the order of their numbers. The statements of a released migration never change. */
const MIGRATIONS: readonly ((db: Kysely<unknown>) => Promise<void>)[] = [
  initial,
  traffic,
  maybeTexted,
  runs,
  clientTraffic,
  clientNumbers,
  unresolvedChecks,
  locale,
  codeLength,
  messages,
  outbox,
  usage,
  trafficAge,
];

/**
 * Runs the migrations that a database lacks, on a connection of its own. When several replicas
 * start together, the first migrates under `lock` and the others wait.
 * @throws Error if a newer release has migrated the database: this release must not write to it.
 */
export async function migrate(
  dialect: Dialect,
  lock: (db: Kysely<unknown>) => Promise<unknown>,
): Promise<void> {
  const kysely = new Kysely<unknown>({ dialect });
  await kysely.transaction().execute(async (db) => {
    await lock(db);
    await sql`create table if not exists schema_version (version integer not null)`.execute(db);
    const { rows } = await sql<{ version: number }>`select version from schema_version`.execute(db);
    const version = rows[0]?.version ?? 0;
    if (version > MIGRATIONS.length) {
      throw new Error(
        `it has schema version ${String(version)}, and this release knows only ` +
          `${String(MIGRATIONS.length)}. Start the release that made it, or a newer one.`,
      );
    }
    for (const apply of MIGRATIONS.slice(version)) await apply(db);
    await sql`delete from schema_version`.execute(db);
    await sql`insert into schema_version (version) values (${sql.lit(MIGRATIONS.length)})`.execute(
      db,
    );
  });
  await kysely.destroy();
}
