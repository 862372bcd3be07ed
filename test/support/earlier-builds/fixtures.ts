import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Libsql from 'libsql';
import pg from 'pg';
import { debianPostgresFolders, findBinary, pathFolders } from '../services/binaries.js';
import { queryPostgres } from '../services/postgres-client.js';
import { startPostgres } from '../services/postgres.js';
import { fillDatabase, type FilledDatabase } from './fill-database.js';

const FOLDER = 'test/fixtures/earlier-builds';
const RECORD = 'record.json';
const SQLITE_FILE = 'otp.db';
const POSTGRES_DUMP = 'postgres.sql';

/** The fixtures, each named by the commit of the build that filled its databases. */
export const listFixtures = (): string[] => readdirSync(FOLDER);

export const ENGINES = ['SQLite', 'PostgreSQL'] as const;
export type Engine = (typeof ENGINES)[number];

/** A copy of a database that an earlier build filled. */
export interface RestoredDatabase extends FilledDatabase {
  /** The setting that selects the database. */
  readonly storageSettings: NodeJS.ProcessEnv;
  /** Runs a statement while no service uses the database. */
  run(statement: string): Promise<void>;
  remove(): Promise<void>;
}

export async function restoreDatabase(commit: string, engine: Engine): Promise<RestoredDatabase> {
  const folder = join(FOLDER, commit);
  const record = JSON.parse(readFileSync(join(folder, RECORD), 'utf8')) as Record<
    Engine,
    FilledDatabase
  >;
  return engine === 'SQLite'
    ? { ...record.SQLite, ...restoreSqlite(join(folder, SQLITE_FILE)) }
    : { ...record.PostgreSQL, ...(await restorePostgres(join(folder, POSTGRES_DUMP))) };
}

function restoreSqlite(file: string): Omit<RestoredDatabase, keyof FilledDatabase> {
  const dataDir = mkdtempSync(join(tmpdir(), 'otp-earlier-'));
  copyFileSync(file, join(dataDir, SQLITE_FILE));
  return {
    storageSettings: { DATA_DIR: dataDir },
    run: async (statement) => {
      const database = new Libsql(join(dataDir, SQLITE_FILE));
      database.exec(statement);
      database.close();
    },
    remove: async () => {
      rmSync(dataDir, { recursive: true });
    },
  };
}

async function restorePostgres(
  file: string,
): Promise<Omit<RestoredDatabase, keyof FilledDatabase>> {
  const postgres = await startPostgres();
  const url = await postgres.createDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(readFileSync(file, 'utf8'));
  await client.end();
  return {
    storageSettings: { DATABASE_URL: url },
    run: async (statement) => {
      await queryPostgres(url, statement);
    },
    remove: () => postgres.stop(),
  };
}

/** Creates the fixture of a build. @param dist the folder of the build's `main.js` */
export async function createFixture(commit: string, dist: string): Promise<void> {
  const folder = join(FOLDER, commit);
  mkdirSync(folder, { recursive: true });
  const record: Record<Engine, FilledDatabase> = {
    SQLite: await fillSqlite(dist, join(folder, SQLITE_FILE)),
    PostgreSQL: await fillPostgres(dist, join(folder, POSTGRES_DUMP)),
  };
  writeFileSync(join(folder, RECORD), `${JSON.stringify(record, undefined, 2)}\n`);
}

async function fillSqlite(dist: string, file: string): Promise<FilledDatabase> {
  const dataDir = mkdtempSync(join(tmpdir(), 'otp-earlier-'));
  const filled = await fillDatabase(dist, { DATA_DIR: dataDir });
  const database = new Libsql(join(dataDir, SQLITE_FILE));
  rmSync(file, { force: true });
  database.exec(`vacuum into '${file}'`);
  database.close();
  rmSync(dataDir, { recursive: true });
  return filled;
}

async function fillPostgres(dist: string, file: string): Promise<FilledDatabase> {
  const postgres = await startPostgres();
  const url = await postgres.createDatabase();
  const filled = await fillDatabase(dist, { DATABASE_URL: url });
  const dump = findBinary(['pg_dump'], [...pathFolders(), ...debianPostgresFolders()]);
  if (dump === undefined) throw new Error('pg_dump is missing: install postgresql-client.');
  const args = ['--inserts', '--no-owner', '--no-privileges', '--no-comments', url];
  const { stdout } = await promisify(execFile)(dump, args);
  // Leaves out commands that only psql knows (a backslash), and settings that only new servers know.
  const lines = stdout
    .split('\n')
    .filter((line) => /^(?!\\|SET |--|SELECT pg_catalog)./.test(line));
  writeFileSync(file, `${lines.join('\n')}\n`);
  await postgres.stop();
  return filled;
}
