import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBinary, pathFolders } from './binaries';
import { dropPrivileges } from './drop-privileges';
import { findOrInstall } from './find-or-install';
import { LOOPBACK } from './ports';
import { ServiceProcess } from './service-process';

/** A real PgBouncer in front of a PostgreSQL. */
export interface PgBouncer {
  /** The URL through PgBouncer of a database; `database` is its URL without PgBouncer. */
  urlOf(database: string): string;
  stop(): Promise<void>;
}

export type PoolMode = 'session' | 'transaction' | 'statement';

/**
 * Starts a PgBouncer with default settings, except those that docs/operating.md recommends.
 * @param poolSize the number of sessions that all clients share
 */
export async function startPgBouncer(
  server: string,
  poolMode: PoolMode,
  poolSize: number,
): Promise<PgBouncer> {
  const command = await findOrInstall({
    title: 'PgBouncer',
    find: () => findBinary(['pgbouncer'], [...pathFolders(), '/usr/sbin']),
    debianPackage: 'pgbouncer',
  });
  const service = await ServiceProcess.start({
    name: 'pgbouncer',
    user: dropPrivileges(),
    prepare: async () => undefined,
    command,
    args: (folder, port) => {
      const file = join(folder, 'pgbouncer.ini');
      writeFileSync(file, configuration(new URL(server), port, poolMode, poolSize));
      return [file];
    },
    ready: 'process up',
    stopSignal: 'SIGQUIT',
  });
  return {
    urlOf: (database) => {
      const url = new URL(database);
      url.port = String(service.port);
      return url.href;
    },
    stop: () => service.stop(),
  };
}

const configuration = (server: URL, port: number, poolMode: PoolMode, poolSize: number) => `
[databases]
* = host=${server.hostname} port=${server.port} user=${server.username}
[pgbouncer]
listen_addr = ${LOOPBACK}
listen_port = ${String(port)}
unix_socket_dir =
auth_type = any
max_client_conn = 500
server_login_retry = 1
pool_mode = ${poolMode}
default_pool_size = ${String(poolSize)}
`;
