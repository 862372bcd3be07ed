import type pg from 'pg';

/**
 * Destroys connections that are in use for longer than `maxHoldMs`. Their queries fail, and the pool
 * replaces the connections. The driver's `query_timeout` would leave the query running.
 */
export function enforceMaxHoldTime(pool: pg.Pool, maxHoldMs: number): void {
  const timeouts = new Map<pg.PoolClient, NodeJS.Timeout>();
  pool.on('connect', (client) => {
    // The query of a broken connection fails anyway. Without a listener, `error` ends the process.
    client.on('error', () => undefined);
  });
  pool.on('acquire', (client) => {
    timeouts.set(
      client,
      setTimeout(() => client.connection.stream.destroy(), maxHoldMs),
    );
  });
  pool.on('release', (_error, client) => {
    clearTimeout(timeouts.get(client));
    timeouts.delete(client);
  });
}
