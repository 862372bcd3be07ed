import { Logger } from '@nestjs/common';
import { PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { seconds } from '../../common/durations.js';
import { DatabaseClock } from './database-clock.js';
import type { Engine } from './engine.js';
import { limitHolding } from './held-connections.js';
import { PostgresPipeline } from './postgres-pipeline.js';
import { transact } from './postgres-transaction.js';

const POOL_SIZE = 20;
/** For connecting, and for one statement: a request gets 503 well within its deadline. */
const TIMEOUT_MS = seconds(2);
/** What is left of a request's deadline for its answer when no connection of the pool becomes free. */
const ANSWER_MS = seconds(0.5);

/** A row takes one transaction at a time; with these, the busiest country is no bottleneck. */
const SHARDS = 4;

const MIGRATION_LOCK = 0x07_01;
const HOUSEKEEPING_LOCK = 0x07_02;

/** `unique_violation`, `serialization_failure`, `deadlock_detected` (PostgreSQL, appendix A). */
const CONFLICTS = new Set(['23505', '40001', '40P01']);

/** Limits connecting by itself: the pool's own limit also counts the wait for a free connection. */
class Client extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(Object.assign({}, config, { connectionTimeoutMillis: TIMEOUT_MS }));
  }
}

/**
 * A PostgreSQL that a fleet shares; TLS is asked for in the URL (`?sslmode=verify-full`).
 * @param deadlineMs how long a request may take, in milliseconds.
 */
export function openPostgres(url: string, deadlineMs: number): Engine {
  const logger = new Logger('PostgreSQL');
  const openPool = (options: pg.PoolConfig): pg.Pool => {
    const pool = new pg.Pool({
      connectionString: url,
      application_name: 'otp-service',
      Client,
      connectionTimeoutMillis: Math.max(TIMEOUT_MS, deadlineMs - ANSWER_MS),
      keepAlive: true,
      ...options,
    });
    // An idle connection that breaks is replaced by the pool; unheard, the event would end the process.
    return pool.on('error', (error) => {
      logger.warn(`an idle connection broke: ${error.message}`);
    });
  };
  const pool = openPool({
    max: POOL_SIZE,
    statement_timeout: TIMEOUT_MS,
    idle_in_transaction_session_timeout: TIMEOUT_MS + seconds(1),
  });
  const pipeline = new PostgresPipeline(pool);
  limitHolding(pool);
  return {
    // A large table takes its time: no statement on it is limited.
    dialect: new PostgresDialect({ pool: async () => openPool({ max: 1 }) }),
    clock: new DatabaseClock(async () => {
      const { rows } = await pool.query<{ now: number }>(
        'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now',
      );
      return rows[0]?.now ?? NaN;
    }),
    rowLock: 'for update',
    shards: SHARDS,
    commit: (asked) => pipeline.run(asked),
    transact: (work) => transact(pool, work),
    close: () => pool.end(),
    lockForMigration: async (transaction) => {
      await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(transaction);
    },
    tryLockForHousekeeping: async (transaction) => {
      const text = `select pg_try_advisory_xact_lock(${String(HOUSEKEEPING_LOCK)}) as locked`;
      const { row } = await transaction.run((packet) =>
        packet.add<{ locked: boolean }>({ name: 'housekeeping', text }, []),
      );
      return row?.locked === true;
    },
    isConflict: (error) => CONFLICTS.has((error as { code?: string }).code ?? ''),
  };
}
