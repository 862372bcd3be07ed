import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { seconds } from '../../common/durations.js';
import type { Asking, Fault, Job, Outcome, ThreadData } from './sqlite-jobs.js';
import { SQLITE_THREAD } from './sqlite-thread-file.js';
import type { Asked, Rows, Run } from './statement.js';
import { ThreadLock } from './thread-lock.js';

/** So many jobs leave at once: the thread does them while the rest of the turn goes on. */
const ENOUGH = 8;

/** How long the end of the process waits for the statement that runs, in milliseconds. */
const EXIT_PATIENCE_MS = seconds(3);

const CLOSED = 'the database is closed';

/** A job that has no number yet. */
type NewJob = Job extends infer J ? (J extends Job ? Omit<J, 'id'> : never) : never;

interface Waiting {
  readonly resolve: (rows: readonly Rows[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A SQLite file, in the hands of a thread of its own, so that this one never waits for the disk. A
 * fault of that thread itself ends the process, as one of this thread does.
 */
export class SqliteConnection {
  private readonly thread: Worker;
  private readonly waiting = new Map<number, Waiting>();
  /** Names of the statements whose text the thread has heard. */
  private readonly said = new Set<string>();
  private leaving: Job[] = [];
  private count = 0;
  private closed = false;

  constructor(path: string) {
    const inLibrary = new ThreadLock();
    const workerData: ThreadData = { path, inLibrary: inLibrary.memory };
    // It releases it when it has loaded the library.
    inLibrary.take();
    // What is loaded or measured in this thread is not wanted there.
    this.thread = new Worker(SQLITE_THREAD, { workerData, execArgv: [] });
    // The end of the process stops the thread where it is; the library aborts the process if that is
    // in the middle of a call.
    const keepOut = () => {
      inLibrary.keep(EXIT_PATIENCE_MS);
    };
    process.once('exit', keepOut);
    this.thread.on('message', (outcomes: readonly Outcome[]) => {
      for (const outcome of outcomes) this.tell(outcome);
    });
    this.thread.on('exit', () => {
      process.off('exit', keepOut);
      this.closed = true;
      for (const { reject } of this.waiting.values()) reject(new Error(CLOSED));
      this.waiting.clear();
    });
  }

  readonly commit: Run = (asked) => this.ask({ kind: 'commit', asking: this.asking(asked) });

  async transact<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const transaction = (this.count += 1);
    let ended = false;
    const end = (commits: boolean) => {
      ended = true;
      return this.ask({ kind: 'end', transaction, commits });
    };
    const result = await work(async (asked) => {
      // Of what a failed piece of work still does elsewhere, nothing may reach the next one.
      if (ended) throw new Error('the transaction has ended');
      return this.ask({ kind: 'step', transaction, asking: this.asking(asked) });
    }).catch(async (error: unknown) => {
      await end(false);
      throw error;
    });
    await end(true);
    return result;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    const gone = once(this.thread, 'exit');
    await this.ask({ kind: 'close' });
    await gone;
  }

  private asking(asked: readonly Asked[]): Asking[] {
    return asked.map(({ statement: { name, text }, values }) => {
      const said = this.said.has(name);
      if (!said) this.said.add(name);
      return { name, text: said ? undefined : text, values };
    });
  }

  private ask(job: NewJob): Promise<readonly Rows[]> {
    if (this.closed) return Promise.reject(new Error(CLOSED));
    return new Promise((resolve, reject) => {
      const id = (this.count += 1);
      this.waiting.set(id, { resolve, reject });
      const count = this.leaving.push(Object.assign({ id }, job));
      if (count === ENOUGH) this.leave();
      else if (count === 1) setImmediate(this.leave);
    });
  }

  private readonly leave = (): void => {
    if (this.leaving.length === 0) return;
    const jobs = this.leaving;
    this.leaving = [];
    this.thread.postMessage(jobs);
  };

  private tell(outcome: Outcome): void {
    const waiting = this.waiting.get(outcome.id);
    this.waiting.delete(outcome.id);
    if ('fault' in outcome) waiting?.reject(errorOf(outcome.fault));
    else waiting?.resolve(outcome.rows);
  }
}

const errorOf = ({ message, ...told }: Fault): Error => Object.assign(new Error(message), told);
