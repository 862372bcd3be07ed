import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Stands in for `src/storage/engines/sqlite-worker-url.ts`: jest compiles nothing for other threads. */
export const SQLITE_WORKER_URL = pathToFileURL(
  resolve('.test-build/storage/engines/sqlite-worker.js'),
);
