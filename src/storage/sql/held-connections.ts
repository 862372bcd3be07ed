import type pg from 'pg';
import { seconds } from '../../common/durations.js';

/** For all that is done with a connection before it is given back. */
const HOLD_MS = seconds(2.5);

/**
 * Breaks a connection that is in use for longer than {@link HOLD_MS}: whatever waits for its answers
 * fails, and the pool replaces it. The driver's own `query_timeout` would leave the query running.
 */
export function limitHolding(pool: pg.Pool): void {
  const limits = new Map<pg.PoolClient, NodeJS.Timeout>();
  pool.on('connect', (client) => {
    // If it breaks in use, its query fails too; unheard, the event would end the process.
    client.on('error', () => undefined);
  });
  pool.on('acquire', (client) => {
    limits.set(
      client,
      setTimeout(() => client.connection.stream.destroy(), HOLD_MS),
    );
  });
  pool.on('release', (_error, client) => {
    clearTimeout(limits.get(client));
    limits.delete(client);
  });
}
