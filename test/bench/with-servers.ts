import { startPostgres } from '../support/services/postgres.js';
import type { DatabaseEngine } from './options.js';
import { RunningServer, type SharedResources } from './running-server.js';
import type { BenchServer } from './servers.js';

/** Starts the servers that support the database engine, does the work and stops them. */
export async function withServers<T>(
  engine: DatabaseEngine,
  servers: readonly BenchServer[],
  shared: SharedResources,
  work: (running: readonly RunningServer[]) => Promise<T>,
): Promise<T> {
  const postgres = engine === 'postgres' ? await startPostgres() : undefined;
  const running: RunningServer[] = [];
  try {
    for (const server of servers.filter(({ engines }) => engines.includes(engine))) {
      const databaseUrl = await postgres?.createDatabase();
      running.push(await RunningServer.start(server, shared, { databaseUrl }));
    }
    return await work(running);
  } finally {
    await Promise.all(running.map((server) => server.stop()));
    await postgres?.stop();
  }
}
