import { Logger } from '@nestjs/common';
import { PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { seconds } from '../../common/durations.js';
import { migrate } from '../migrations/migrate.js';
import { enforceMaxHoldTime } from './connection-timeout.js';
import { DatabaseClock } from './database-clock.js';
import type { DatabaseEngine } from './database.js';
import { PostgresPipeline } from './postgres-pipeline.js';
import { runTransaction } from './postgres-transaction.js';

const POOL_SIZE = 20;
/** For connecting, and for one statement: a request gets 503 well within its deadline. */
const TIMEOUT_MS = seconds(2);
/** What is left of a request's deadline for its answer when no connection of the pool becomes free. */
const ANSWER_MS = seconds(0.5);

/** One transaction at a time writes a row; with four, the busiest country is no bottleneck. */
const SHARDS = 4;

const MIGRATION_LOCK = 0x07_01;
const CLEANUP_LOCK = 0x07_02;
const TRY_CLEANUP_LOCK = {
  name: 'cleanup.lock',
  text: `select pg_try_advisory_xact_lock(${String(CLEANUP_LOCK)}) as locked`,
};

/** `unique_violation`, `serialization_failure`, `deadlock_detected` (PostgreSQL, appendix A). */
const CONFLICTS = new Set(['23505', '40001', '40P01']);

/** Limits connecting by itself: the pool's own limit also counts the wait for a free connection. */
class PostgresClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(Object.assign({}, config, { connectionTimeoutMillis: TIMEOUT_MS }));
  }
}

/**
 * Opens a PostgreSQL that replicas share; the URL asks for TLS (`?sslmode=verify-full`).
 * @param deadlineMs how long a request may take, in milliseconds.
 */
export function openPostgres(url: string, deadlineMs: number): DatabaseEngine {
  const logger = new Logger('PostgreSQL');
  const openPool = (options: pg.PoolConfig): pg.Pool => {
    const pool = new pg.Pool({
      connectionString: url,
      application_name: 'otp-service',
      Client: PostgresClient,
      connectionTimeoutMillis: Math.max(TIMEOUT_MS, deadlineMs - ANSWER_MS),
      keepAlive: true,
      ...options,
    });
    // The pool replaces an idle connection that breaks; without a listener the event ends the process.
    return pool.on('error', (error) => {
      logger.warn(`an idle connection broke: ${error.message}`);
    });
  };
  const pool = openPool({
    max: POOL_SIZE,
    statement_timeout: TIMEOUT_MS,
    idle_in_transaction_session_timeout: TIMEOUT_MS + seconds(1),
  });
  // Migrating a large table takes long: no statement on this connection has a time limit.
  const dialect = new PostgresDialect({ pool: async () => openPool({ max: 1 }) });
  const pipeline = new PostgresPipeline(pool);
  enforceMaxHoldTime(pool);
  return {
    dialect,
    clock: new DatabaseClock(async () => {
      const { rows } = await pool.query<{ now: number }>(
        'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now',
      );
      return rows[0]?.now ?? NaN;
    }),
    lockClause: 'for update',
    shards: SHARDS,
    migrate: () =>
      migrate(dialect, (db) =>
        sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(db),
      ),
    runBatch: (statements) => pipeline.run(statements),
    transaction: (work) => runTransaction(pool, work),
    tryLockForCleanup: async (transaction) => {
      const { row } = await transaction.run((batch) =>
        batch.add<{ locked: boolean }>(TRY_CLEANUP_LOCK, []),
      );
      return row?.locked === true;
    },
    isConflict: (error) => CONFLICTS.has((error as { code?: string }).code ?? ''),
    close: () => pool.end(),
  };
}
