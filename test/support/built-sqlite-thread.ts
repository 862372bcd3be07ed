import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Stands in for `src/storage/sql/sqlite-thread-file.ts`: jest compiles nothing for other threads. */
export const SQLITE_THREAD = pathToFileURL(resolve('.test-build/storage/sql/sqlite-thread.js'));
