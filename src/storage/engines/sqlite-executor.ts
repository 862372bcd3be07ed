import type Libsql from 'libsql';
import { openFile } from './sqlite-file.js';
import type {
  StatementMessage,
  SerializedError,
  SqliteJob,
  SqliteJobResult,
} from './sqlite-messages.js';
import type { ResultRows } from './statement-batch.js';

type BatchJob = Extract<SqliteJob, { kind: 'batch' }>;

/** Runs a prepared statement with its values. */
type RunStatement = (values: readonly unknown[]) => ResultRows;

/**
 * Executes jobs on a SQLite file. A commit waits for the disk and costs more than its statements,
 * so concurrent jobs share a commit. Their results are returned after the commit; if it fails, all
 * these jobs fail. If a statement fails, which is rare, each job runs again alone. Savepoints would
 * cost two more statements for each job.
 */
export class SqliteExecutor {
  private database: Libsql.Database | undefined;
  /** The texts of statements, by their names. */
  private readonly texts = new Map<string, string>();
  /** Prepared statements, by their texts. */
  private readonly prepared = new Map<string, RunStatement>();
  private waiting: SqliteJob[] = [];
  /** The id of the transaction that has the file to itself. */
  private activeTransaction: number | undefined;

  constructor(private readonly path: string) {}

  enqueue(jobs: readonly SqliteJob[]): void {
    for (const job of jobs) this.rememberText(job);
    this.waiting.push(...jobs);
  }

  /**
   * Runs the next job, or those that can share a commit.
   * @returns `undefined` if no job waits, or if all wait for the active transaction to end.
   */
  runNext(): SqliteJobResult[] | undefined {
    const { waiting, activeTransaction } = this;
    const index = waiting.findIndex(
      (job) => activeTransaction === undefined || belongsTo(job, activeTransaction),
    );
    const job = waiting[index];
    if (!job) return undefined;
    if (job.kind !== 'batch') {
      waiting.splice(index, 1);
      const { id } = job;
      try {
        return [{ id, rows: this.runExclusive(job) }];
      } catch (error) {
        return [{ id, error: serializeError(error) }];
      }
    }
    const end = waiting.findIndex(({ kind }) => kind !== 'batch');
    const group = waiting.splice(0, end < 0 ? waiting.length : end) as BatchJob[];
    return this.runGroup(group);
  }

  /** Runs jobs in one transaction, or each in its own if a statement fails. */
  private runGroup(group: readonly BatchJob[]): SqliteJobResult[] {
    let stage: 'begin' | 'run' | 'commit' = 'begin';
    try {
      // A deferred transaction that reads first cannot wait for the write lock later: it fails.
      this.run(group.every((job) => this.isReadOnly(job)) ? 'begin' : 'begin immediate');
      stage = 'run';
      const results = group.map(({ id, statements }) => ({ id, rows: this.runAll(statements) }));
      stage = 'commit';
      this.run('commit');
      return results;
    } catch (error) {
      this.rollback();
      if (stage === 'run' && group.length > 1) return group.flatMap((job) => this.runGroup([job]));
      return group.map(({ id }) => ({ id, error: serializeError(error) }));
    }
  }

  private runExclusive(job: Exclude<SqliteJob, BatchJob>): readonly ResultRows[] {
    switch (job.kind) {
      case 'step':
        if (this.activeTransaction === undefined) this.run('begin immediate');
        this.activeTransaction = job.transaction;
        // SQLite itself rolls back after some errors, such as a full disk.
        if (!this.database?.inTransaction) throw new Error('the transaction was rolled back');
        return this.runAll(job.statements);
      case 'end':
        if (this.activeTransaction !== job.transaction) return [];
        this.activeTransaction = undefined;
        try {
          if (job.commits) this.run('commit');
        } finally {
          this.rollback();
        }
        return [];
      case 'close':
        this.close();
        return [];
    }
  }

  /** Empties the write-ahead log first, because its old pages have values that are deleted now. */
  private close(): void {
    try {
      this.database?.exec('pragma wal_checkpoint(truncate)');
    } catch {
      // On a full disk, for example. The log has every commit, and the next start reads it.
    }
    this.database?.close();
  }

  private rollback(): void {
    if (this.database?.inTransaction) this.run('rollback');
  }

  private rememberText(job: SqliteJob): void {
    if (!('statements' in job)) return;
    for (const { name, text } of job.statements) if (text !== undefined) this.texts.set(name, text);
  }

  private isReadOnly({ statements }: BatchJob): boolean {
    return statements.every(({ name }) => this.texts.get(name)?.startsWith('select'));
  }

  private runAll(statements: readonly StatementMessage[]): readonly ResultRows[] {
    return statements.map(({ name, values }) => this.run(this.texts.get(name) ?? '', values));
  }

  private run(text: string, values: readonly unknown[] = []): ResultRows {
    let runStatement = this.prepared.get(text);
    if (!runStatement) {
      this.database ??= openFile(this.path);
      runStatement = prepare(this.database, text);
      this.prepared.set(text, runStatement);
    }
    return runStatement(values);
  }
}

function prepare(database: Libsql.Database, text: string): RunStatement {
  const statement = database.prepare(text);
  // Read once, because `reader` is a native call.
  if (statement.reader) return (values) => statement.all(values);
  return (values) => {
    statement.run(values);
    return [];
  };
}

const belongsTo = (job: SqliteJob, transaction: number): boolean =>
  'transaction' in job && job.transaction === transaction;

function serializeError(error: unknown): SerializedError {
  const { name, message, stack } = error as Error;
  return { name, message, ...(stack !== undefined && { stack }) };
}
