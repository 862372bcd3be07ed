import type Libsql from 'libsql';
import { openFile } from './sqlite-file.js';
import type { Asking, Fault, Job, Outcome } from './sqlite-jobs.js';
import type { Rows } from './statement.js';

type Commit = Extract<Job, { kind: 'commit' }>;

/**
 * Does jobs on a SQLite file. A commit waits for the disk, and costs more than all that it commits:
 * so those that wait together share one. Nobody hears of a result before the commit; if it fails, all
 * have failed. If a statement fails, which is rare, each is done again by itself: a savepoint for
 * each of them would cost as much as two statements.
 */
export class SqliteWorkbench {
  private database: Libsql.Database | undefined;
  private readonly texts = new Map<string, string>();
  private readonly prepared = new Map<string, Libsql.Statement>();
  private waiting: Job[] = [];
  /** The transaction that has the file for itself. */
  private holder: number | undefined;

  constructor(private readonly path: string) {}

  /** Takes jobs on. */
  take(jobs: readonly Job[]): void {
    for (const job of jobs) this.note(job);
    this.waiting.push(...jobs);
  }

  /**
   * Does the next job, or those that can share a commit.
   * @returns what became of them; `undefined` if all that is left waits for the holder's end.
   */
  doNext(): Outcome[] | undefined {
    const { waiting, holder } = this;
    const place = waiting.findIndex((job) => holder === undefined || isOf(job, holder));
    const job = waiting[place];
    if (!job) return undefined;
    if (job.kind !== 'commit') {
      waiting.splice(place, 1);
      return [attempt(job.id, () => this.doAlone(job))];
    }
    const others = waiting.findIndex(({ kind }) => kind !== 'commit');
    const group = waiting.splice(0, others < 0 ? waiting.length : others) as Commit[];
    return this.commit(group);
  }

  private commit(group: readonly Commit[]): Outcome[] {
    let stage: 'begin' | 'run' | 'commit' = 'begin';
    try {
      // A deferred transaction that reads first cannot wait for the write lock later, only fail.
      this.run(group.every((job) => this.onlyReads(job)) ? 'begin' : 'begin immediate');
      stage = 'run';
      const outcomes = group.map(({ id, asking }) => ({ id, rows: this.runAll(asking) }));
      stage = 'commit';
      this.run('commit');
      return outcomes;
    } catch (error) {
      this.undo();
      if (stage === 'run' && group.length > 1) return group.flatMap((job) => this.commit([job]));
      return group.map(({ id }) => ({ id, fault: faultOf(error) }));
    }
  }

  private doAlone(job: Exclude<Job, Commit>): readonly Rows[] {
    switch (job.kind) {
      case 'step':
        if (this.holder === undefined) this.run('begin immediate');
        this.holder = job.transaction;
        // SQLite itself undoes everything after some failures, such as a full disk.
        if (!this.database?.inTransaction) throw new Error('the transaction was undone');
        return this.runAll(job.asking);
      case 'end':
        // One that could not begin has nothing to end.
        if (this.holder !== job.transaction) return [];
        this.holder = undefined;
        try {
          if (job.commits) this.run('commit');
        } finally {
          this.undo();
        }
        return [];
      case 'close':
        this.database?.close();
        return [];
    }
  }

  private undo(): void {
    if (this.database?.inTransaction) this.run('rollback');
  }

  private note(job: Job): void {
    if (!('asking' in job)) return;
    for (const { name, text } of job.asking) if (text !== undefined) this.texts.set(name, text);
  }

  private onlyReads({ asking }: Commit): boolean {
    return asking.every(({ name }) => this.texts.get(name)?.startsWith('select'));
  }

  private runAll(asking: readonly Asking[]): readonly Rows[] {
    return asking.map(({ name, values }) => this.run(this.texts.get(name) ?? '', values));
  }

  private run(text: string, values: readonly unknown[] = []): Rows {
    this.database ??= openFile(this.path);
    let statement = this.prepared.get(text);
    if (!statement) {
      statement = this.database.prepare(text);
      this.prepared.set(text, statement);
    }
    if (statement.reader) return statement.all(values);
    statement.run(values);
    return [];
  }
}

const isOf = (job: Job, transaction: number): boolean =>
  'transaction' in job && job.transaction === transaction;

function attempt(id: number, work: () => readonly Rows[]): Outcome {
  try {
    return { id, rows: work() };
  } catch (error) {
    return { id, fault: faultOf(error) };
  }
}

function faultOf(error: unknown): Fault {
  const { name, message, stack } = error as Error;
  return { name, message, ...(stack !== undefined && { stack }) };
}
