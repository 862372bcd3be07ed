/** A statement with placeholders for its values. */
export interface SqlStatement {
  /** Stands for one text only, so that an engine can keep the statement prepared under the name. */
  readonly name: string;
  readonly text: string;
}

/** A statement with its values. */
export interface BoundStatement {
  readonly statement: SqlStatement;
  readonly values: readonly unknown[];
}

/** The rows of one statement; empty where it returns none. */
export type ResultRows = readonly unknown[];

/** Runs statements in their order. Resolves with the rows of each. */
export type RunBatch = (statements: readonly BoundStatement[]) => Promise<readonly ResultRows[]>;

/** The result of a statement. Until its batch is complete, a read throws. */
export class DeferredResult<R> {
  private resolved: readonly R[] | undefined;

  get rows(): readonly R[] {
    if (!this.resolved) throw new Error('read before the batch was complete');
    return this.resolved;
  }

  get row(): R | undefined {
    return this.rows[0];
  }

  resolve(rows: ResultRows): void {
    this.resolved = rows as readonly R[];
  }
}

/**
 * Statements sent in one batch and executed in order. No statement uses the result of another one.
 */
export class StatementBatch {
  readonly statements: BoundStatement[] = [];
  private readonly results: { resolve(rows: ResultRows): void }[] = [];

  /**
   * Runs the statements that `build` adds.
   * @returns what `build` returned, with readable results
   */
  static async execute<T>(run: RunBatch, build: (batch: StatementBatch) => T): Promise<T> {
    const batch = new StatementBatch();
    const returned = build(batch);
    const rows = await run(batch.statements);
    batch.results.forEach((result, index) => {
      result.resolve(rows[index] ?? []);
    });
    return returned;
  }

  add<R>(statement: SqlStatement, values: readonly unknown[]): DeferredResult<R> {
    const result = new DeferredResult<R>();
    this.statements.push({ statement, values });
    this.results.push(result);
    return result;
  }
}

/**
 * Runs batches. `Database` runs each batch in its own transaction. The executor of an open
 * transaction runs all its batches in that transaction.
 */
export interface Executor {
  /** @returns what `build` returned, once the results of its statements are readable */
  run<T>(build: (batch: StatementBatch) => T): Promise<T>;
}

/** A query that was compiled once; a call only binds its values. */
export type PreparedQuery<P, R> = (batch: StatementBatch, values: P) => DeferredResult<R>;
