import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { seconds } from '../../common/durations.js';
import { SharedLock } from './shared-lock.js';
import type {
  SqliteJob,
  SqliteJobResult,
  StatementMessage,
  SqliteWork,
  SqliteWorkerData,
} from './sqlite-messages.js';
import { SQLITE_WORKER_URL } from './sqlite-worker-url.js';
import type { BoundStatement, ResultRows, RunBatch } from './statement-batch.js';

/** This many jobs go to the worker at once; fewer, at the end of this turn of the event loop. */
const MAX_QUEUED_JOBS = 8;

/** How long the process exit waits for the running statement. */
const EXIT_TIMEOUT_MS = seconds(3);

const CLOSED = 'the database is closed';

interface WaitingSqliteJob {
  readonly resolve: (rows: readonly ResultRows[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A SQLite file in a worker thread. The driver is synchronous, and a durable commit waits for the
 * disk: in this thread, each commit would block every request for about 1 ms. In the worker, 50
 * concurrent jobs share commits and take 0.03 ms each (measured). An error that the worker does not
 * return as the result of a job ends the process.
 */
export class SqliteConnection {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, WaitingSqliteJob>();
  /** Names of the statements whose text the worker has. */
  private readonly sentStatements = new Set<string>();
  private queue: SqliteJob[] = [];
  /** The last id that a job or a transaction got. */
  private lastId = 0;
  private closed = false;

  constructor(path: string) {
    const nativeCallLock = new SharedLock();
    const workerData: SqliteWorkerData = { path, nativeCallLock: nativeCallLock.memory };
    // The worker loads SQLite's library under this lock, and then releases it.
    nativeCallLock.acquire();
    // The worker gets none of this process's options, such as a profiler or a loader.
    this.worker = new Worker(SQLITE_WORKER_URL, { workerData, execArgv: [] });
    // The process exit stops the worker. During a call of the library, that would be a crash.
    const stopCalls = () => {
      nativeCallLock.acquireForever(EXIT_TIMEOUT_MS);
    };
    process.once('exit', stopCalls);
    this.worker.on('message', (results: readonly SqliteJobResult[]) => {
      for (const result of results) this.completeJob(result);
    });
    this.worker.on('exit', () => {
      process.off('exit', stopCalls);
      this.closed = true;
      for (const { reject } of this.waiting.values()) reject(new Error(CLOSED));
      this.waiting.clear();
    });
  }

  readonly runBatch: RunBatch = (statements) =>
    this.postJob({ kind: 'batch', statements: this.toMessages(statements) });

  async transaction<T>(work: (run: RunBatch) => Promise<T>): Promise<T> {
    const transaction = (this.lastId += 1);
    let ended = false;
    const end = ({ commits }: { commits: boolean }) => {
      ended = true;
      return this.postJob({ kind: 'end', transaction, commits });
    };
    const result = await work(async (statements) => {
      // After a failure, concurrent parts of `work` may still run: reject their statements.
      if (ended) throw new Error('the transaction has ended');
      return this.postJob({ kind: 'step', transaction, statements: this.toMessages(statements) });
    }).catch(async (error: unknown) => {
      await end({ commits: false });
      throw error;
    });
    await end({ commits: true });
    return result;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    const exited = once(this.worker, 'exit');
    await this.postJob({ kind: 'close' });
    await exited;
  }

  private toMessages(statements: readonly BoundStatement[]): StatementMessage[] {
    return statements.map(({ statement: { name, text }, values }) => {
      const sent = this.sentStatements.has(name);
      if (!sent) this.sentStatements.add(name);
      return { name, text: sent ? undefined : text, values };
    });
  }

  private postJob(work: SqliteWork): Promise<readonly ResultRows[]> {
    if (this.closed) return Promise.reject(new Error(CLOSED));
    return new Promise((resolve, reject) => {
      const id = (this.lastId += 1);
      this.waiting.set(id, { resolve, reject });
      const queued = this.queue.push(Object.assign({ id }, work));
      if (queued === MAX_QUEUED_JOBS) this.flush();
      else if (queued === 1) setImmediate(this.flush);
    });
  }

  private readonly flush = (): void => {
    if (this.queue.length === 0) return;
    const jobs = this.queue;
    this.queue = [];
    this.worker.postMessage(jobs);
  };

  private completeJob(result: SqliteJobResult): void {
    const waiting = this.waiting.get(result.id);
    this.waiting.delete(result.id);
    if ('rows' in result) return waiting?.resolve(result.rows);
    const { message, ...rest } = result.error;
    waiting?.reject(Object.assign(new Error(message), rest));
  }
}
