import Libsql from 'libsql';
import { seconds } from '../../common/durations.js';

/** How long a write waits for a write of another process. */
const BUSY_MS = seconds(2);

/** Opens a SQLite file for writing. */
export function openFile(path: string): Libsql.Database {
  const database = new Libsql(path);
  // FULL: with NORMAL, a power cut could undo the last commits and make a used code valid again.
  for (const pragma of [
    // First, so that the next pragma waits too.
    `busy_timeout = ${String(BUSY_MS)}`,
    'journal_mode = WAL',
    'synchronous = FULL',
  ]) {
    database.exec(`pragma ${pragma}`);
  }
  return database;
}
