import Libsql from 'libsql';
import { seconds } from '../../common/durations.js';

/** How long a write waits for a write of another process. */
const BUSY_TIMEOUT_MS = seconds(2);

/** Opens a SQLite file for writing. */
export function openFile(path: string): Libsql.Database {
  const database = new Libsql(path);
  for (const pragma of [
    // First, so that the next pragma also waits.
    `busy_timeout = ${String(BUSY_TIMEOUT_MS)}`,
    'journal_mode = WAL',
    // With NORMAL, a power cut could undo the last commits and make a used code valid again.
    'synchronous = FULL',
    // Overwrites deleted values, also of whole pages, which FAST leaves: an erased number must not stay.
    'secure_delete = ON',
  ]) {
    database.exec(`pragma ${pragma}`);
  }
  return database;
}
