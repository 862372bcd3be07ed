import Libsql from 'libsql';
import { seconds } from '../../common/durations.js';

/** How long a write waits for another process that writes, in milliseconds. */
const BUSY_MS = seconds(2);

/** Opens a SQLite file for writing. */
export function openFile(path: string): Libsql.Database {
  const database = new Libsql(path);
  // FULL: with WAL's usual NORMAL a power cut could undo the last moves, and reopen a used code.
  for (const pragma of [
    // First, so that the next one waits too.
    `busy_timeout = ${String(BUSY_MS)}`,
    'journal_mode = WAL',
    'synchronous = FULL',
  ]) {
    database.exec(`pragma ${pragma}`);
  }
  return database;
}
