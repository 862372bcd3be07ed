import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type PostgresServer } from './services/postgres.js';

/** Every kind of database, with a function that creates one and returns the settings to use it. */
export const SERVICE_DATABASES: [name: string, create: () => Promise<NodeJS.ProcessEnv>][] = [
  ['SQLite', createSqliteFolder],
  ['PostgreSQL', createPostgresDatabase],
];

const folders: string[] = [];
let postgres: PostgresServer | undefined;

afterAll(async () => {
  await postgres?.stop();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

async function createSqliteFolder(): Promise<NodeJS.ProcessEnv> {
  const folder = mkdtempSync(join(tmpdir(), 'otp-data-'));
  folders.push(folder);
  return { DATA_DIR: folder };
}

async function createPostgresDatabase(): Promise<NodeJS.ProcessEnv> {
  postgres ??= await startPostgres();
  return { DATABASE_URL: await postgres.createDatabase() };
}
