import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { queryPostgres } from '../services/postgres-client.js';
import { startPostgres } from '../services/postgres.js';

/** Where the service's records are. They outlive its process. */
export interface TestDatabase {
  readonly settings: NodeJS.ProcessEnv;
  /** How many verifications wait for what the vendor says, or died waiting. */
  countSending(): Promise<number>;
  remove(): Promise<void>;
}

const SENDING = `select count(*) as count from verifications where status = 'sending'`;

export async function createSqliteDatabase(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'otp-crash-'));
  return {
    settings: { DATA_DIR: folder },
    countSending: async () => {
      const database = new Libsql(join(folder, 'otp.db'));
      const { count } = database.prepare(SENDING).get() as { count: number };
      database.close();
      return count;
    },
    remove: async () => {
      rmSync(folder, { recursive: true });
    },
  };
}

export async function createPostgresDatabase(): Promise<TestDatabase> {
  const postgres = await startPostgres();
  const url = await postgres.createDatabase();
  return {
    settings: { DATABASE_URL: url },
    countSending: async () => Number(await queryPostgres(url, SENDING)),
    remove: () => postgres.stop(),
  };
}
