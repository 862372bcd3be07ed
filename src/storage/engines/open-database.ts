import { seconds } from '../../common/durations.js';
import type { StorageConfig } from '../../config/storage.config.js';
import { Database, type DatabaseAccess } from './database.js';

/** How long a command that only reads waits for PostgreSQL. */
const READ_DEADLINE_MS = seconds(5);

/**
 * Opens the database that the settings name: PostgreSQL, or SQLite if there is no DATABASE_URL.
 * Only the code of the engine in use is loaded.
 * @param deadlineMs bounds how long a request waits for PostgreSQL, in milliseconds.
 * @param access `read` creates no SQLite file, and accepts a PostgreSQL standby.
 */
export async function openDatabase(
  { databaseUrl, dataDir }: StorageConfig,
  deadlineMs: number,
  access: DatabaseAccess = 'write',
): Promise<Database> {
  if (databaseUrl === undefined) {
    const { openSqlite } = await import('./sqlite.js');
    return new Database(openSqlite(dataDir, access));
  }
  const { openPostgres } = await import('./postgres.js');
  return new Database(openPostgres(databaseUrl, deadlineMs, access));
}

/**
 * Opens the database for a command that neither writes nor migrates.
 * @throws Error if there is no database where the settings say.
 */
export const openForReading = (config: StorageConfig): Promise<Database> =>
  openDatabase(config, READ_DEADLINE_MS, 'read');
