import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { queryPostgres } from '../services/postgres-client.js';
import { startPostgres } from '../services/postgres.js';

/** A database that outlives the service's process. */
export interface TestDatabase {
  /** The settings with which the service uses the database. */
  readonly settings: NodeJS.ProcessEnv;
  /** Counts verifications in state `sending`: a provider call runs, or a crash interrupted it. */
  countSending(): Promise<number>;
  remove(): Promise<void>;
}

const COUNT_SENDING = `select count(*) as count from verifications where status = 'sending'`;

export async function createSqliteDatabase(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'otp-crash-'));
  return {
    settings: { DATA_DIR: folder },
    countSending: async () => {
      const database = new Libsql(join(folder, 'otp.db'));
      // Closing it writes the rest of the log to the file. Waiting for the disk would delay the provider.
      database.exec('pragma synchronous = off');
      const { count } = database.prepare(COUNT_SENDING).get() as { count: number };
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
    countSending: async () => Number(await queryPostgres(url, COUNT_SENDING)),
    remove: () => postgres.stop(),
  };
}
