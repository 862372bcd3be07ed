import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteDialect, type SqliteDatabase } from 'kysely';
import { Clock } from '../../common/clock.js';
import type { Engine } from './engine.js';
import { SqliteConnection } from './sqlite-connection.js';
import { openFile } from './sqlite-file.js';

export const DATABASE_FILE = 'otp.db';

/** A SQLite file in `dataDir`, for a service that runs as one process. */
export function openSqlite(dataDir: string): Engine {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, DATABASE_FILE);
  const connection = new SqliteConnection(path);
  return {
    dialect: new SqliteDialect({ database: async () => lockingAtOnce(path) }),
    clock: new Clock(),
    // One transaction writes at a time.
    rowLock: '',
    shards: 1,
    commit: connection.commit,
    transact: (work) => connection.transact(work),
    close: () => connection.close(),
    // Every transaction holds the write lock of the file from its first statement on.
    lockForMigration: async () => undefined,
    tryLockForHousekeeping: async () => true,
    isConflict: () => false,
  };
}

/** Opens transactions with the write lock in hand: two processes may start, and migrate, together. */
function lockingAtOnce(path: string): SqliteDatabase {
  const database = openFile(path);
  return {
    close: () => {
      database.close();
    },
    prepare: (text) => database.prepare(text === 'begin' ? 'begin immediate' : text),
  };
}
