import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { certificateFiles, writeCertificate, type Certificate } from './certificate';
import { debianPostgresFolders, findBinary, pathFolders } from './binaries';
import { ServiceProcess } from './service-process';
import { findOrInstall } from './find-or-install';
import { LOOPBACK } from './ports';
import { queryPostgres } from './postgres-client';
import { sharedServiceUrl } from './shared-services';
import { serverEnvironment } from './service-spec';
import { dropPrivileges } from './drop-privileges';

const run = promisify(execFile);

/** A real PostgreSQL. */
export interface PostgresServer {
  /** URL of the database `postgres`, with a role that may create databases. */
  readonly url: string;
  /** Creates an empty database and returns its URL. `stop` removes it. */
  createDatabase(): Promise<string>;
  /** Starts an outage: kills the server. Committed data is kept. */
  shutDown(): Promise<void>;
  /** Ends the outage: same port, same data, ready for connections. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

interface PostgresOptions {
  /** Whether to start a server that no other test uses. */
  readonly dedicated?: boolean;
  /** With a certificate, the server also accepts TLS. */
  readonly certificate?: Certificate;
}

/**
 * Returns the PostgreSQL shared by the test run. Starts a new one if `dedicated`, or if this is a
 * program outside a test run.
 */
export async function startPostgres({
  certificate,
  dedicated = certificate !== undefined,
}: PostgresOptions = {}): Promise<PostgresServer> {
  const shared = dedicated ? undefined : await sharedServiceUrl('postgres');
  if (shared !== undefined) return sharedServer(shared);

  const server = await startServer({ certificate });
  const url = `postgres://postgres@${LOOPBACK}:${String(server.port)}/postgres`;
  return {
    url,
    createDatabase: () => createDatabase(url),
    shutDown: () => server.shutDown(),
    restart: () => server.restart(),
    stop: () => server.stop(),
  };
}

function sharedServer(url: string): PostgresServer {
  const createdUrls: string[] = [];
  const rejectOutage = async (): Promise<never> => {
    throw new Error(
      'Other tests use this PostgreSQL: shut down one from startPostgres({ dedicated: true }).',
    );
  };
  return {
    url,
    createDatabase: async () => {
      const database = await createDatabase(url);
      createdUrls.push(database);
      return database;
    },
    shutDown: rejectOutage,
    restart: rejectOutage,
    stop: async () => {
      const names = createdUrls.splice(0).map((database) => new URL(database).pathname.slice(1));
      const drop = names.map((name) => `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      if (drop.length > 0) await queryPostgres(url, ...drop);
    },
  };
}

async function createDatabase(server: string): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  // PostgreSQL copies a template only while no session uses it; template0 allows no sessions.
  await queryPostgres(server, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** How the data of a server is created. */
interface DataSource {
  readonly program: 'initdb' | 'pg_basebackup';
  readonly options: readonly string[];
}

const NEW_DATA: DataSource = {
  program: 'initdb',
  options: ['--auth=trust', '--username=postgres', '--encoding=UTF8', '--locale=C'],
};

/** Starts a server; by default with no data. */
export async function startServer({
  certificate,
  source = NEW_DATA,
}: { certificate?: Certificate | undefined; source?: DataSource } = {}): Promise<ServiceProcess> {
  const postgres = await findOrInstall({
    title: 'PostgreSQL',
    find: () => findBinary(['postgres'], [...pathFolders(), ...debianPostgresFolders()]),
    debianPackage: 'postgresql',
    alternative: 'set TEST_DATABASE_URL to the URL of a server',
  });
  const user = dropPrivileges();
  const program = join(dirname(realpathSync(postgres)), source.program);
  return ServiceProcess.start({
    name: 'postgres',
    user,
    prepare: async (folder) => {
      const args = ['--no-sync', ...source.options, '-D', join(folder, 'data')];
      await run(program, args, { ...user, cwd: folder, env: serverEnvironment() });
      if (certificate) await writeCertificate(folder, certificate, user);
    },
    command: postgres,
    args: (folder, port) => [
      ...['-D', join(folder, 'data'), '-p', String(port)],
      ...settings(),
      ...(certificate ? tlsSettings(folder) : []),
    ],
    // A standby accepts read-only connections.
    ready: /database system is ready to accept (read-only )?connections/,
    stopSignal: 'SIGQUIT',
  });
}

function settings(): string[] {
  return [
    `listen_addresses=${LOOPBACK}`,
    'unix_socket_directories=',
    'max_connections=200',
    'timezone=UTC',
    // Tests crash the server, but not the machine, so these safeguards would only cost time.
    'fsync=off',
    'full_page_writes=off',
  ].flatMap((setting) => ['-c', setting]);
}

function tlsSettings(folder: string): string[] {
  const { keyFile, certFile } = certificateFiles(folder);
  return ['-c', 'ssl=on', '-c', `ssl_cert_file=${certFile}`, '-c', `ssl_key_file=${keyFile}`];
}
