import { PostgresDialect, sql } from 'kysely';
import { seconds } from '../../common/durations.js';
import { migrate } from '../migrations/migrate.js';
import { DatabaseClock } from './database-clock.js';
import type { DatabaseAccess, DatabaseEngine } from './database.js';
import { toFailure } from './postgres-errors.js';
import { PostgresPipeline } from './postgres-pipeline.js';
import { openPool, PostgresPool } from './postgres-pool.js';
import { TIMEOUT_MS } from './postgres-session.js';
import { runTransaction } from './postgres-transaction.js';

/** The most connections of a replica. */
export const POOL_SIZE = 20;
/** Time kept of a request's deadline for its 503, if no connection of the pool becomes free. */
const RESPONSE_MS = seconds(0.5);

/**
 * A row that was written stays locked until the commit. So the connections are spread over 32 rows:
 * those that open one after the other have consecutive process ids. With commits of 5 ms,
 * twice as many sends a second go to one country as with four rows chosen at random (measured).
 */
export const SHARD = 'pg_backend_pid() % 32';

/** Keys of advisory locks. */
const MIGRATION_LOCK = 0x07_01;
const CLEANUP_LOCK = 0x07_02;
/** Settings that a role or a database may have. They would end a long migration. */
const TIME_LIMITS = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
] as const;
const READ_CLOCK = {
  name: 'clock.read',
  text: 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now',
};
const TRY_CLEANUP_LOCK = {
  name: 'cleanup.lock',
  text: `select pg_try_advisory_xact_lock(${String(CLEANUP_LOCK)}) as locked`,
};

/**
 * Opens a PostgreSQL database that replicas share. The URL sets TLS (`?sslmode=verify-full`).
 * @param deadlineMs bounds how long a request waits for PostgreSQL, in milliseconds.
 * @param access `read` also accepts a standby, and lets a statement take minutes.
 */
export function openPostgres(
  url: string,
  deadlineMs: number,
  access: DatabaseAccess = 'write',
): DatabaseEngine {
  const maxWaitMs = Math.max(TIMEOUT_MS, deadlineMs - RESPONSE_MS);
  const pool = new PostgresPool(
    {
      connectionString: url,
      max: POOL_SIZE,
      connectionTimeoutMillis: maxWaitMs,
    },
    access,
  );
  // Migrating a large table takes long: `migrate` also ends the time limits of the role.
  const dialect = new PostgresDialect({
    pool: async () =>
      openPool({ connectionString: url, max: 1 }, { writes: true, timeoutMs: undefined }),
  });
  const pipeline = new PostgresPipeline(pool);
  return {
    setting: 'DATABASE_URL',
    dialect,
    clock: new DatabaseClock(async () => {
      const [rows] = await pipeline.run([{ statement: READ_CLOCK, values: [] }]);
      return (rows?.[0] as { now: number } | undefined)?.now ?? NaN;
    }),
    lockClause: 'for update',
    skipLockedClause: 'for update skip locked',
    shard: SHARD,
    migrate: () =>
      migrate(dialect, async (db) => {
        for (const name of TIME_LIMITS) await sql`set local ${sql.raw(name)} = 0`.execute(db);
        await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(db);
      }),
    runBatch: (statements) => pipeline.run(statements),
    transaction: (work) => runTransaction(pool, work),
    tryLockForCleanup: async (transaction) => {
      const { row } = await transaction.run((batch) =>
        batch.add<{ locked: boolean }>(TRY_CLEANUP_LOCK, []),
      );
      return row?.locked === true;
    },
    failureOf: toFailure,
    repeatForMs: maxWaitMs,
    getConnections: () => pool.getConnections(),
    close: () => pool.close(),
  };
}
