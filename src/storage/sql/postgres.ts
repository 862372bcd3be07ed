import { Logger } from '@nestjs/common';
import { PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { seconds } from '../../common/durations.js';
import { DatabaseClock } from './database-clock.js';
import type { Engine } from './engine.js';

const POOL_SIZE = 20;
/** To get a connection, and for one statement: a request should hear 503 well within its deadline. */
const PATIENCE_MS = seconds(2);
/** For all that is done with a connection before it is given back. */
const HOLD_MS = seconds(2.5);

/** A row takes one transaction at a time; with these, the busiest country is no bottleneck. */
const SHARDS = 8;

const MIGRATION_LOCK = 0x07_01;
const HOUSEKEEPING_LOCK = 0x07_02;

/** `unique_violation`, `serialization_failure`, `deadlock_detected` (PostgreSQL, appendix A). */
const CONFLICTS = new Set(['23505', '40001', '40P01']);

const INT8_OID = 20;

/** A PostgreSQL that a fleet shares; TLS is asked for in the URL (`?sslmode=verify-full`). */
export function openPostgres(url: string): Engine {
  const logger = new Logger('PostgreSQL');
  const types = new pg.TypeOverrides();
  // 64-bit integers arrive as text; all of ours are times and fit a double exactly.
  types.setTypeParser(INT8_OID, Number);
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'otp-service',
    max: POOL_SIZE,
    connectionTimeoutMillis: PATIENCE_MS,
    statement_timeout: PATIENCE_MS,
    idle_in_transaction_session_timeout: PATIENCE_MS + seconds(1),
    keepAlive: true,
    types,
    Client: PreparingClient,
  });
  // An idle connection that breaks is replaced by the pool; unheard, the event would end the process.
  pool.on('error', (error) => {
    logger.warn(`an idle connection broke: ${error.message}`);
  });
  const liftLimits = limitHolding(pool);
  return {
    dialect: new PostgresDialect({ pool }),
    clock: new DatabaseClock(async () => {
      const { rows } = await pool.query<{ now: number }>(
        'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now',
      );
      return rows[0]?.now ?? NaN;
    }),
    shards: SHARDS,
    lockForMigration: async (transaction) => {
      // A large table takes its time. Nobody is served yet: no other connection is in use.
      liftLimits();
      await sql`set local statement_timeout = 0`.execute(transaction);
      await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(transaction);
    },
    tryLockForHousekeeping: async (transaction) => {
      const { rows } = await sql<{
        locked: boolean;
      }>`select pg_try_advisory_xact_lock(${sql.lit(HOUSEKEEPING_LOCK)}) as locked`.execute(
        transaction,
      );
      return rows[0]?.locked === true;
    },
    isConflict: (error) => CONFLICTS.has((error as { code?: string }).code ?? ''),
  };
}

/**
 * Ends a connection that is in use for longer than {@link HOLD_MS}: whatever waits for its answers
 * fails, and the pool replaces it. The driver's own `query_timeout` would leave the query running,
 * and the connection would go back to the pool, silent for good or in the midst of a transaction.
 * @returns what lifts the limit of the connections that are in use now
 */
function limitHolding(pool: pg.Pool): () => void {
  const limits = new Map<pg.PoolClient, NodeJS.Timeout>();
  pool.on('connect', (client) => {
    // If it breaks in use, its query fails too; unheard, the event would end the process.
    client.on('error', () => undefined);
  });
  pool.on('acquire', (client) => {
    limits.set(
      client,
      setTimeout(() => void (client as pg.PoolClient & pg.Client).end(), HOLD_MS),
    );
  });
  pool.on('release', (_error, client) => {
    clearTimeout(limits.get(client));
    limits.delete(client);
  });
  return () => {
    limits.forEach((limit) => {
      clearTimeout(limit);
    });
  };
}

const names = new Map<string, string>();

/** Gives each statement a name, so that the server parses and plans it once a connection. */
class PreparingClient extends pg.Client {
  // The base class has an overload for each way of calling; only this one is used with values.
  override query = ((text: unknown, values?: unknown[], ...rest: unknown[]) => {
    const query = super.query.bind(this) as (...args: unknown[]) => unknown;
    if (typeof text !== 'string' || !values || values.length === 0)
      return query(text, values, ...rest);
    const name = names.get(text) ?? `s${String(names.size)}`;
    names.set(text, name);
    return query({ name, text, values }, ...rest);
  }) as pg.Client['query'];
}
