import { Logger } from '@nestjs/common';
import pg from 'pg';
import { minutes, seconds } from '../../common/durations.js';
import { enforceMaxHoldTime } from './connection-timeout.js';
import type { ConnectionState, DatabaseAccess } from './database.js';
import { ConnectionError, toStatementError } from './postgres-errors.js';
import {
  endSessions,
  getSession,
  READ_TIMEOUT_MS,
  startSession,
  TIMEOUT_MS,
  type SessionUse,
} from './postgres-session.js';

/**
 * A connection is replaced after this time, so that the pool follows a host name to a new address.
 */
const MAX_LIFETIME_MS = minutes(5);

const logger = new Logger('PostgreSQL');

/**
 * Has a time limit for connecting alone: the pool's limit also counts the wait for a connection.
 */
class PostgresClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(Object.assign({}, config, { connectionTimeoutMillis: TIMEOUT_MS }));
  }
}

/**
 * Opens a pool and sets up each new connection for `use`. Logs connections that break while idle.
 */
export function openPool(options: pg.PoolConfig, use: SessionUse): pg.Pool {
  const pool = new pg.Pool({
    application_name: 'otp-service',
    Client: PostgresClient,
    keepAlive: true,
    maxLifetimeSeconds: MAX_LIFETIME_MS / seconds(1),
    verify: (client, done) => {
      startSession(client, use).then(() => {
        done();
      }, done);
    },
    ...options,
  });
  // Without a listener the event ends the process.
  return pool.on('error', (error) => {
    logger.warn(`an idle connection broke: ${error.message}`);
  });
}

/**
 * Connections to a server that accepts writes. After a failover, connections to the old primary may
 * stay open and answer. So when one connection is lost, all connections of the pool are replaced.
 */
export class PostgresPool {
  private readonly pool: pg.Pool;
  /** The generation in which each connection was opened. */
  private readonly generations = new WeakMap<pg.PoolClient, number>();
  /** Increased when a connection is lost. Connections of earlier generations are not used. */
  private generation = 0;
  /** Sessions of lost connections that are not known to have ended. */
  private readonly lostSessions = new Set<string>();

  constructor(options: pg.PoolConfig, access: DatabaseAccess = 'write') {
    const writes = access === 'write';
    const timeoutMs = writes ? TIMEOUT_MS : READ_TIMEOUT_MS;
    this.pool = openPool(options, { writes, timeoutMs });
    this.pool.on('connect', (client) => {
      this.generations.set(client, this.generation);
      // Emitted before the statements of the connection fail, so before one of them is repeated.
      client.on('error', () => {
        const session = getSession(client);
        if (session !== undefined && writes) this.lostSessions.add(session);
      });
    });
    this.pool.on('error', (_error, client) => {
      this.replaceAll(client);
    });
    enforceMaxHoldTime(this.pool, timeoutMs + seconds(0.5));
  }

  /** @throws ConnectionError if no server that accepts writes can be reached. */
  async connect(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await this.pool.connect().catch((error: unknown) => {
        throw new ConnectionError(error, 'not_begun');
      });
      if (!this.isCurrent(client)) destroy(client);
      else {
        if (this.lostSessions.size > 0) await this.endLostSessions(client);
        return client;
      }
    }
  }

  /** Takes a connection back. @param error why the connection must not be used again, if so */
  release(client: pg.PoolClient, error?: unknown): void {
    if (error instanceof ConnectionError) this.replaceAll(client);
    if (this.isCurrent(client)) client.release();
    else destroy(client);
  }

  /** How many connections there are in each state, and how many requests wait for one. */
  getConnections(): Record<ConnectionState, number> {
    const { totalCount, idleCount, waitingCount } = this.pool;
    return { in_use: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  /**
   * A request may still wait in a lost connection, and reach the server after its repetition. So the
   * sessions of lost connections are ended before a new connection is used.
   */
  private async endLostSessions(client: pg.PoolClient): Promise<void> {
    const sessions = [...this.lostSessions];
    try {
      const haveEnded = await endSessions(client, sessions);
      if (!haveEnded) logger.warn('the session of a lost connection has not ended in time');
    } catch (cause) {
      const error = toStatementError(cause as Error);
      if (error instanceof ConnectionError) {
        this.release(client, error);
        throw new ConnectionError(cause, 'not_begun');
      }
      logger.warn(`the session of a lost connection cannot be ended: ${error.message}`);
    }
    for (const session of sessions) this.lostSessions.delete(session);
  }

  /** Replaces all connections, unless the lost connection belongs to an earlier generation. */
  private replaceAll(lost: pg.PoolClient): void {
    if (this.isCurrent(lost)) this.generation += 1;
  }

  private isCurrent(client: pg.PoolClient): boolean {
    return this.generations.get(client) === this.generation;
  }
}

/** Closes a connection without waiting for a server that may not answer. */
function destroy(client: pg.PoolClient): void {
  client.release(true);
  client.connection.stream.destroy();
}
