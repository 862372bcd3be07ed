import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Job, Outcome } from './sqlite-jobs.js';
import { SqliteWorkbench } from './sqlite-workbench.js';

/** The thread that has the SQLite file: whoever waits for the disk, the service does not. */

const workbench = new SqliteWorkbench(workerData as string);

parentPort?.on('message', (first: readonly Job[]) => {
  const jobs = [...first];
  // What came while the last ones were done is done together.
  for (;;) {
    const next = parentPort && receiveMessageOnPort(parentPort);
    if (!next) break;
    jobs.push(...(next.message as readonly Job[]));
  }
  const outcomes: readonly Outcome[] = workbench.do(jobs);
  parentPort?.postMessage(outcomes);
  if (jobs.some(({ kind }) => kind === 'close')) parentPort?.close();
});
