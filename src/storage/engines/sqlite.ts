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
 */
export function openSqlite(dataDir: string, access: DatabaseAccess = 'write'): DatabaseEngine {
  if (access === 'write') createPrivateDatabase(dataDir, DATABASE_FILE);
  const path = join(dataDir, DATABASE_FILE);
  const connection = new SqliteConnection(path);
  const dialect = new SqliteDialect({ database: async () => withImmediateTransactions(path) });
  return {
    dialect,
    clock: new Clock(),
    // One transaction writes at a time.
    lockClause: '',
    shards: 1,
    runBatch: connection.runBatch,
    transaction: (work) => connection.transaction(work),
    close: () => connection.close(),
    // Every transaction holds the write lock of the file from its first statement on.
    migrate: () => migrate(dialect, async () => undefined),
    tryLockForCleanup: async () => true,
    failureOf: () => 'permanent',
    repeatForMs: 0,
  };
}

/** Transactions acquire the write lock first: two processes may start and migrate together. */
function withImmediateTransactions(path: string): SqliteDatabase {
  const database = openFile(path);
  return {
    close: () => {
      database.close();
    },
    prepare: (text) => database.prepare(text === 'begin' ? 'begin immediate' : text),
  };
}
