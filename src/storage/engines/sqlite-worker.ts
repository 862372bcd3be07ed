import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { SharedLock } from './shared-lock.js';
import { SqliteExecutor } from './sqlite-executor.js';
import type { SqliteJob, SqliteJobResult, SqliteWorkerData } from './sqlite-messages.js';

/** The thread that owns the SQLite file; see `sqlite-connection.ts`. */

const { path, nativeCallLock } = workerData as SqliteWorkerData;
const executor = new SqliteExecutor(path);
const lock = new SharedLock(nativeCallLock);

parentPort?.on('message', (first: readonly SqliteJob[]) => {
  const jobs = [...first];
  // Jobs that have arrived since then run together with the first ones.
  for (;;) {
    const next = parentPort && receiveMessageOnPort(parentPort);
    if (!next) break;
    jobs.push(...(next.message as readonly SqliteJob[]));
  }
  executor.enqueue(jobs);
  for (let done = runNext(); done; done = runNext()) parentPort?.postMessage(done);
  if (jobs.some(({ kind }) => kind === 'close')) parentPort?.close();
});

/**
 * Locks for one call, as it may wait for the file: so the process exit waits for one call at most.
 */
function runNext(): readonly SqliteJobResult[] | undefined {
  lock.acquire();
  try {
    return executor.runNext();
  } finally {
    lock.release();
  }
}

// The main thread acquired the lock before this thread loaded the library.
lock.release();
