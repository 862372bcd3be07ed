import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findBinary } from './binaries';
import { certificateFiles, writeCertificate, type Certificate } from './certificate';
import { ServiceProcess } from './service-process';
import { findOrInstall } from './find-or-install';
import { LOOPBACK } from './ports';
import { sendRedisCommand } from './redis-client';
import { sharedServiceUrl } from './shared-services';

/** A real Redis, or Valkey, which is compatible. */
export interface RedisServer {
  readonly url: string;
  /** Starts an outage: kills the server. Its data is lost. */
  shutDown(): Promise<void>;
  /** Ends the outage: same port, empty, ready for connections. */
  restart(): Promise<void>;
  /** Empties the database in the URL. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

interface RedisOptions {
  /** Whether to start a server that no other test uses. */
  readonly dedicated?: boolean;
  readonly mode?: keyof typeof MODES;
  /** With a certificate, the server accepts only TLS. */
  readonly certificate?: Certificate;
}

/** The arguments of a server in each mode, and what it logs when it is ready. */
const MODES = {
  standalone: { args: [], ready: 'Ready to accept connections' },
  cluster: { args: ['--cluster-enabled', 'yes'], ready: 'Ready to accept connections' },
  sentinel: { args: ['--sentinel'], ready: 'Sentinel ID is' },
} as const;

/**
 * Returns the Redis shared by the test run, with a database for this jest worker only. Starts a new
 * one if `dedicated`, with other options, or if this is a program outside a test run.
 */
export async function startRedis({
  mode = 'standalone',
  certificate,
  dedicated = mode !== 'standalone' || certificate !== undefined,
}: RedisOptions = {}): Promise<RedisServer> {
  const shared = dedicated ? undefined : await sharedServiceUrl('redis');
  if (shared !== undefined) return sharedServer(shared);

  const server = await startServer(mode, certificate);
  const scheme = certificate ? 'rediss' : 'redis';
  const url = `${scheme}://${LOOPBACK}:${String(server.port)}`;
  return {
    url,
    shutDown: () => server.shutDown(),
    restart: () => server.restart(),
    flush: () => flush(url),
    stop: () => server.stop(),
  };
}

function sharedServer(serverUrl: string): RedisServer {
  const url = databaseOfWorker(serverUrl);
  const rejectOutage = async (): Promise<never> => {
    throw new Error(
      'Other tests use this Redis: shut down one from startRedis({ dedicated: true }).',
    );
  };
  return {
    url,
    shutDown: rejectOutage,
    restart: rejectOutage,
    flush: () => flush(url),
    stop: async () => undefined,
  };
}

/** The URL of this jest worker's database, unless the server's URL already selects one. */
function databaseOfWorker(serverUrl: string): string {
  const url = new URL(serverUrl);
  if (url.pathname.length <= 1) url.pathname = `/${process.env['JEST_WORKER_ID'] ?? '0'}`;
  return url.href;
}

async function flush(url: string): Promise<void> {
  await sendRedisCommand(url, 'FLUSHDB');
}

async function startServer(
  mode: keyof typeof MODES,
  certificate: Certificate | undefined,
): Promise<ServiceProcess> {
  const command = await findOrInstall({
    title: 'Redis',
    find: () => findBinary(['redis-server', 'valkey-server']),
    debianPackage: 'redis-server',
    alternative: 'set TEST_REDIS_URL to the URL of a server',
  });
  return ServiceProcess.start({
    name: 'redis',
    user: undefined,
    // A sentinel needs a file for its configuration.
    prepare: async (folder) => {
      await writeFile(join(folder, 'redis.conf'), '');
      if (certificate) await writeCertificate(folder, certificate, undefined);
    },
    command,
    args: (folder, port) => [
      join(folder, 'redis.conf'),
      ...(certificate ? tlsOptions(folder, port) : ['--port', String(port)]),
      ...['--bind', LOOPBACK, '--dir', folder],
      ...['--save', '', '--appendonly', 'no'],
      // Enough databases for one per jest worker on any machine.
      ...['--databases', '1024'],
      ...MODES[mode].args,
    ],
    ready: MODES[mode].ready,
    stopSignal: 'SIGKILL',
  });
}

function tlsOptions(folder: string, port: number): string[] {
  const { keyFile, certFile } = certificateFiles(folder);
  return [
    ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', certFile, '--tls-key-file', keyFile],
  ];
}
