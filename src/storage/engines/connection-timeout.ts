import type pg from 'pg';
import { seconds } from '../../common/durations.js';

const MAX_HOLD_MS = seconds(2.5);

/**
 * Destroys connections that are in use for longer than {@link MAX_HOLD_MS}. Their queries fail, and
 * the pool replaces the connections. The driver's `query_timeout` would leave the query running.
 */
export function enforceMaxHoldTime(pool: pg.Pool): void {
  const timeouts = new Map<pg.PoolClient, NodeJS.Timeout>();
  pool.on('connect', (client) => {
    // The query of a broken connection fails anyway. Without a listener, `error` ends the process.
    client.on('error', () => undefined);
  });
  pool.on('acquire', (client) => {
    timeouts.set(
      client,
      setTimeout(() => client.connection.stream.destroy(), MAX_HOLD_MS),
    );
  });
  pool.on('release', (_error, client) => {
    clearTimeout(timeouts.get(client));
    timeouts.delete(client);
  });
}
