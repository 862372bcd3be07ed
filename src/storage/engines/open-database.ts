import type { StorageConfig } from '../../config/storage.config.js';
import { Database, type DatabaseAccess } from './database.js';

/**
 * Opens the database that the settings name. Only the engine in use is loaded.
 * @param deadlineMs how long a request may take, in milliseconds.
 * @param access `read` also accepts a standby of PostgreSQL.
 */
export async function openDatabase(
  { databaseUrl, dataDir }: StorageConfig,
  deadlineMs: number,
  access: DatabaseAccess = 'write',
): Promise<Database> {
  if (databaseUrl === undefined) {
    const { openSqlite } = await import('./sqlite.js');
    return new Database(openSqlite(dataDir));
  }
  const { openPostgres } = await import('./postgres.js');
  return new Database(openPostgres(databaseUrl, deadlineMs, access));
}
