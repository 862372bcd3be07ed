import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Replaces `src/storage/engines/sqlite-worker-url.ts`: jest does not compile files for threads. */
export const SQLITE_WORKER_URL = pathToFileURL(
  resolve('.test-build/storage/engines/sqlite-worker.js'),
);
