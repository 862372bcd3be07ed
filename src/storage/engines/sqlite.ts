import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { SqliteDialect, type SqliteDatabase } from 'kysely';
import { Clock } from '../../common/clock.js';
import { migrate } from '../migrations/migrate.js';
import type { DatabaseAccess, DatabaseEngine } from './database.js';
import { SqliteConnection } from './sqlite-connection.js';
import { openFile } from './sqlite-file.js';
import { createPrivateDatabase } from './sqlite-permissions.js';

export const DATABASE_FILE = 'otp.db';

/**
 * Opens a SQLite file in `dataDir`, for a service that runs as one process.
 * @param access `read` creates no file and changes no permission.
 * @throws Error if there is no file to read, or this user may not read it.
 */
export function openSqlite(dataDir: string, access: DatabaseAccess = 'write'): DatabaseEngine {
  if (access === 'write') createPrivateDatabase(dataDir, DATABASE_FILE);
  const path = join(dataDir, DATABASE_FILE);
  if (access === 'read') assertReadable(dataDir, path);
  const connection = new SqliteConnection(path);
  const dialect = new SqliteDialect({ database: async () => withImmediateTransactions(path) });
  return {
    setting: 'DATA_DIR',
    dialect,
    clock: new Clock(),
    // Only one transaction writes at a time: no row locks, and no counts spread over several rows.
    lockClause: '',
    skipLockedClause: '',
    shard: '0',
    runBatch: connection.runBatch,
    transaction: (work) => connection.transaction(work),
    close: () => connection.close(),
    // No lock beside the write lock of the file, with which every transaction begins.
    migrate: () => migrate(dialect, async () => undefined),
    tryLockForCleanup: async () => true,
    failureOf: () => 'permanent',
    repeatForMs: 0,
  };
}

/** Does not open the file: closing it would release the locks of SQLite in this process. */
function assertReadable(dataDir: string, path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw new Error(
      (error as NodeJS.ErrnoException).code === 'EACCES'
        ? `This user may not read ${path}: run the command as the user of the service or as root.`
        : `There are no records in ${dataDir}: set DATA_DIR or DATABASE_URL.`,
      { cause: error },
    );
  }
}

/**
 * Transactions begin with the write lock: a restarted process may start before the old one ends.
 */
function withImmediateTransactions(path: string): SqliteDatabase {
  const database = openFile(path);
  return {
    close: () => {
      database.close();
    },
    prepare: (text) => database.prepare(text === 'begin' ? 'begin immediate' : text),
  };
}
