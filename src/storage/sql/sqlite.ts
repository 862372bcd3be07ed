import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteDialect, type SqliteDatabase } from 'kysely';
import Libsql from 'libsql';
import { Clock } from '../../common/clock.js';
import { seconds } from '../../common/durations.js';
import { CommitGroups } from './commit-groups.js';
import type { Engine } from './engine.js';

export const DATABASE_FILE = 'otp.db';

/** How long a write waits for another process that writes, in milliseconds. */
const BUSY_MS = seconds(2);

/** A SQLite file in `dataDir`, for a service that runs as one process. */
export function openSqlite(dataDir: string): Engine {
  mkdirSync(dataDir, { recursive: true });
  const database = new Libsql(join(dataDir, DATABASE_FILE));
  // FULL: with WAL's usual NORMAL a power cut could undo the last moves, and reopen a used code.
  for (const pragma of [
    // First, so that the next one waits too.
    `busy_timeout = ${String(BUSY_MS)}`,
    'journal_mode = WAL',
    'synchronous = FULL',
  ]) {
    database.exec(`pragma ${pragma}`);
  }
  const groups = new CommitGroups(database);
  return {
    dialect: new SqliteDialect({ database: lockingAtOnce(database) }),
    clock: new Clock(),
    // One transaction writes at a time.
    rowLock: '',
    shards: 1,
    execute: (statement, values) => groups.execute(statement, values),
    close: async () => {
      database.close();
    },
    transact: (work) => groups.transact(work),
    // Every transaction holds the write lock of the file from its first statement on.
    lockForMigration: async () => undefined,
    tryLockForHousekeeping: async () => true,
    isConflict: () => false,
  };
}

/** Opens transactions with the write lock in hand: two processes may start, and migrate, together. */
function lockingAtOnce(database: Libsql.Database): SqliteDatabase {
  return {
    close: () => {
      database.close();
    },
    prepare: (text) => database.prepare(text === 'begin' ? 'begin immediate' : text),
  };
}
