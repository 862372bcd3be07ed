import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Job, Outcome, ThreadData } from './sqlite-jobs.js';
import { SqliteWorkbench } from './sqlite-workbench.js';
import { ThreadLock } from './thread-lock.js';

/** The thread that has the SQLite file: whoever waits for the disk, the service does not. */

const { path, inLibrary } = workerData as ThreadData;
const workbench = new SqliteWorkbench(path);
const lock = new ThreadLock(inLibrary);

parentPort?.on('message', (first: readonly Job[]) => {
  const jobs = [...first];
  // What came while the last ones were done is done together.
  for (;;) {
    const next = parentPort && receiveMessageOnPort(parentPort);
    if (!next) break;
    jobs.push(...(next.message as readonly Job[]));
  }
  workbench.take(jobs);
  for (let done = doNext(); done; done = doNext()) parentPort?.postMessage(done);
  if (jobs.some(({ kind }) => kind === 'close')) parentPort?.close();
});

/** Each may have to wait for the file: the end of the process waits for one of them, not for all. */
function doNext(): readonly Outcome[] | undefined {
  lock.take();
  try {
    return workbench.doNext();
  } finally {
    lock.release();
  }
}

// Taken by whoever started this thread, for as long as it loads the library.
lock.release();
