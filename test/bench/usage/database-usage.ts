import { join } from 'node:path';
import Libsql from 'libsql';
import pg from 'pg';
import type { ServiceStorage } from '../history/service-storage.js';
import { parentOf, postgresCpuMicros } from './postgres-cpu.js';

/** The resource usage of a database server or file at one moment. */
export interface DatabaseUsage {
  /** CPU time of the server since its start, in microseconds. SQLite has no server: `NaN`. */
  readonly cpuMicros: number;
  /** The bytes of each table with its indexes, by name. */
  readonly tables: ReadonlyMap<string, number>;
}

/** Reads the usage of a database while the service uses it. */
export interface DatabaseUsageReader {
  read(): Promise<DatabaseUsage>;
  /** The number of open connections of the service. */
  countConnections(): Promise<number>;
  close(): Promise<void>;
}

/** @throws Error if the PostgreSQL does not run on this machine */
export async function openDatabaseUsage(storage: ServiceStorage): Promise<DatabaseUsageReader> {
  return storage.databaseUrl === undefined
    ? sqliteUsage(join(storage.folder, 'otp.db'))
    : postgresUsage(storage.databaseUrl);
}

type TableRow = [name: string, bytes: number];

const POSTGRES_TABLES = `select relname, pg_total_relation_size(oid)::float8 from pg_class
  where relkind = 'r' and relnamespace = 'public'::regnamespace`;
const POSTGRES_CONNECTIONS = `select count(*)::int from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend'
    and pid <> pg_backend_pid()`;

async function postgresUsage(url: string): Promise<DatabaseUsageReader> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const list = async <R extends unknown[]>(text: string) =>
    (await client.query<R>({ text, rowMode: 'array' })).rows;
  const count = async (text: string) => (await list<[number]>(text))[0]?.[0] ?? NaN;
  const backendPid = await count('select pg_backend_pid()');
  const postmasterPid = parentOf(backendPid);
  if (!(postmasterPid > 0))
    throw new Error('the CPU time of a PostgreSQL on another machine is unknown');
  return {
    read: async () => ({
      tables: new Map(await list<TableRow>(POSTGRES_TABLES)),
      cpuMicros: postgresCpuMicros(postmasterPid, backendPid),
    }),
    countConnections: () => count(POSTGRES_CONNECTIONS),
    close: () => client.end(),
  };
}

const SQLITE_TABLES = `select tbl_name, sum(pgsize) from dbstat
  join sqlite_schema using (name) group by tbl_name`;

function sqliteUsage(file: string): DatabaseUsageReader {
  return {
    read: async () => {
      const database = new Libsql(file, { readonly: true });
      const rows = database.prepare(SQLITE_TABLES).raw().all() as TableRow[];
      database.close();
      return { tables: new Map(rows), cpuMicros: NaN };
    },
    countConnections: async () => 1,
    close: async () => undefined,
  };
}
