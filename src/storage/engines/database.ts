import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Kysely, sql, type CompiledQuery, type Dialect, type RawBuilder } from 'kysely';
import type { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { seconds } from '../../common/durations.js';
import type { DatabaseSchema } from '../migrations/schema.js';
import {
  StatementBatch,
  type Executor,
  type PreparedQuery,
  type RunBatch,
} from './statement-batch.js';
import { explainStartError } from './explain-start-error.js';
import { repeatWrite, type FailureClassifier } from './repeat-write.js';

/** Tries of a transaction, the first included, if it is rolled back and may succeed at once. */
const MAX_TRIES = 3;

/** What a database is opened for. */
export type DatabaseAccess = 'read' | 'write';

/** `waiting`: a request waits for a connection of the pool. */
export type ConnectionState = 'in_use' | 'idle' | 'waiting';

/** What differs between SQLite and PostgreSQL. */
export interface DatabaseEngine extends FailureClassifier {
  /** The setting that names the database. */
  readonly setting: 'DATABASE_URL' | 'DATA_DIR';
  /** The SQL dialect that queries are compiled to. */
  readonly dialect: Dialect;
  /** The clock that all replicas on this database share. */
  readonly clock: Clock;
  /** The clause that locks the rows of a select until the transaction ends; empty if not needed. */
  readonly lockClause: 'for update' | '';
  /** As `lockClause`, but leaves out the rows that another transaction has locked. */
  readonly skipLockedClause: 'for update skip locked' | '';
  /** SQL for the row that this transaction writes, of a count that is spread over several rows. */
  readonly shard: string;
  /** Migrates the schema, one process at a time. */
  migrate(): Promise<void>;
  /** Runs a batch as a transaction. Resolves when it is durable. */
  readonly runBatch: RunBatch;
  /**
   * Runs `work` in a transaction: commits at its end, or rolls back if it throws. `work` runs its
   * batches one after the other.
   */
  transaction<T>(work: (run: RunBatch) => Promise<T>): Promise<T>;
  /**
   * Whether this process may clean up until the transaction ends: no other process may meanwhile.
   */
  tryLockForCleanup(transaction: Executor): Promise<boolean>;
  /** How many connections of the pool are in each state, if there is a pool. */
  getConnections?(): Readonly<Record<ConnectionState, number>>;
  close(): Promise<void>;
}

/** Builds a query. `parameters` are placeholders for the values that each call binds. */
type QueryBuilder = (db: Kysely<DatabaseSchema>, parameters: never) => CompilableQuery<unknown>;

interface CompilableQuery<R> {
  compile(db: Kysely<DatabaseSchema>): CompiledQuery<R>;
}

type PreparedQueries<B> = {
  readonly [K in keyof B]: B[K] extends (db: never, parameters: infer P) => CompilableQuery<infer R>
    ? PreparedQuery<P, R>
    : never;
};

/** Thrown to roll a transaction back and still return a result. */
class RollbackWithResult {
  constructor(readonly result: unknown) {}
}

/** The placeholder of a value while a query is compiled. */
class QueryParameter {
  constructor(readonly name: string) {}
}

const PARAMETERS = new Proxy<Record<string, QueryParameter>>(
  {},
  { get: (created, name) => (created[String(name)] ??= new QueryParameter(String(name))) },
);

/** Gives all placeholders of one value the same number (`$1`, `?1`), so that it is sent once. */
function numberPlaceholders({ sql: template, parameters: all }: CompiledQuery) {
  const parameters = [...new Set(all)];
  let index = 0;
  const text = template
    .replaceAll(/\$\d+|\?/g, (placeholder) => {
      const number = parameters.indexOf(all[index]) + 1;
      index += 1;
      return placeholder.charAt(0) + String(number);
    })
    // The SQL of template literals contains line breaks and indentation.
    .replaceAll(/\s+/g, ' ')
    .trim();
  return { text, parameters };
}

/**
 * The service's database, on SQLite or PostgreSQL. If it fails, methods throw DomainError
 * `storage_unavailable`.
 */
@Injectable()
export class Database implements Executor, OnModuleInit, OnApplicationShutdown {
  readonly clock: Clock;
  readonly lockClause: RawBuilder<unknown>;
  readonly skipLockedClause: RawBuilder<unknown>;
  readonly shard: RawBuilder<number>;
  /** The text of every prepared statement, by its name. */
  readonly statements = new Map<string, string>();
  private readonly compiler: Kysely<DatabaseSchema>;
  private readonly startChecks: (() => Promise<void>)[] = [];
  private readonly lastWrites: (() => Promise<void>)[] = [];

  constructor(private readonly engine: DatabaseEngine) {
    this.compiler = new Kysely<DatabaseSchema>({ dialect: engine.dialect });
    this.clock = engine.clock;
    this.lockClause = sql.raw(engine.lockClause);
    this.skipLockedClause = sql.raw(engine.skipLockedClause);
    this.shard = sql.raw(engine.shard);
  }

  /** @throws Error with a message for the operator if the database cannot be used */
  async onModuleInit(): Promise<void> {
    try {
      await this.engine.migrate();
      await this.clock.sync();
      for (const check of this.startChecks) await check();
    } catch (error) {
      throw explainStartError(this.engine.setting, error);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    for (const write of this.lastWrites) await write();
    await this.engine.close();
  }

  /** Registers a check for the start. If it throws an error, the service does not start. */
  afterMigration(check: () => Promise<void>): void {
    this.startChecks.push(check);
  }

  /** Registers a write for the shutdown, after all requests have ended. `write` must not throw. */
  beforeClose(write: () => Promise<void>): void {
    this.lastWrites.push(write);
  }

  /** Compiles each query once, under the name `<group>.<key in builders>`. */
  prepare<B extends Record<string, QueryBuilder>>(group: string, builders: B): PreparedQueries<B> {
    const prepared = Object.entries(builders).map(([name, build]) => [
      name,
      this.prepareQuery(`${group}.${name}`, build),
    ]);
    return Object.fromEntries(prepared) as PreparedQueries<B>;
  }

  /** Runs a batch as a transaction. `build` is called again if the transaction was rolled back. */
  async run<T>(build: (batch: StatementBatch) => T): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await StatementBatch.execute(this.engine.runBatch, build);
      } catch (error) {
        this.rethrowUnlessRepeatable(error, tries);
      }
    }
  }

  /**
   * Runs `work` in a transaction of several batches. `work` runs again if the transaction was
   * rolled back, so it must have no effect but its queries. `rollback` undoes them, and its
   * argument becomes the result of the transaction.
   */
  async transaction<T>(
    work: (transaction: Executor, rollback: (result: T) => never) => Promise<T>,
  ): Promise<T> {
    const rollback = (result: T): never => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- not an error: a result that rolls back
      throw new RollbackWithResult(result);
    };
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.engine.transaction((run) => work(toExecutor(run), rollback));
      } catch (thrown) {
        if (thrown instanceof RollbackWithResult) return thrown.result as T;
        this.rethrowUnlessRepeatable(thrown, tries);
      }
    }
  }

  /**
   * Runs `work`, and again while it is unknown whether an earlier run was committed.
   * @param work if `isRepeated`, it must find what an earlier run may have committed
   */
  runUntilKnown<T>(work: (isRepeated: boolean) => Promise<T>): Promise<T> {
    return repeatWrite(work, this.engine, ['unknown']);
  }

  /** As {@link runUntilKnown}, but also repeats a run that was certainly not committed. */
  runUntilCommitted<T>(work: (isRepeated: boolean) => Promise<T>): Promise<T> {
    return repeatWrite(work, this.engine, ['unknown', 'repeatable', 'unavailable']);
  }

  /** Runs `work` in a transaction, unless another replica is cleaning up. */
  async runCleanup<T>(work: (transaction: Executor) => Promise<T>): Promise<T | undefined> {
    return this.transaction(async (transaction) =>
      (await this.engine.tryLockForCleanup(transaction)) ? work(transaction) : undefined,
    );
  }

  /** How many connections of the pool are in each state; `undefined` on SQLite, without a pool. */
  getConnections(): Readonly<Record<ConnectionState, number>> | undefined {
    return this.engine.getConnections?.();
  }

  private prepareQuery(name: string, build: QueryBuilder): PreparedQuery<object, unknown> {
    const query = build(this.compiler, PARAMETERS as never).compile(this.compiler);
    const { text, parameters } = numberPlaceholders(query);
    const statement = { name, text };
    this.statements.set(name, text);
    return (batch, values) =>
      batch.add(
        statement,
        parameters.map((parameter) =>
          parameter instanceof QueryParameter ? values[parameter.name as keyof object] : parameter,
        ),
      );
  }

  private rethrowUnlessRepeatable(error: unknown, tries: number): void {
    if (tries < MAX_TRIES && this.engine.failureOf(error) === 'repeatable') return;
    throw new DomainError('storage_unavailable', {
      message: 'The database failed.',
      retryAfterMs: seconds(5),
      cause: error,
    });
  }
}

const toExecutor = (run: RunBatch): Executor => ({
  run: (build) => StatementBatch.execute(run, build),
});
