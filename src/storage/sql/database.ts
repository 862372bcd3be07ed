import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Kysely, sql, type Compilable, type RawBuilder } from 'kysely';
import type { Clock } from '../../common/clock.js';
import { errors } from '../../common/domain-error.js';
import { seconds } from '../../common/durations.js';
import type { StorageConfig } from '../../config/storage.config.js';
import type { Engine } from './engine.js';
import { migrate } from './migrate.js';
import type { Schema } from './schema.js';
import { Packet, prepare, type Executor, type Prepared, type Run } from './statement.js';

/** How often a transaction that met another one is begun again. */
const TRIES = 3;

/** Ends a transaction without a trace, and carries what it is to answer. */
class Abort {
  constructor(readonly answer: unknown) {}
}

/** The service's database, on either engine. Whatever fails in it is `storage_unavailable`. */
@Injectable()
export class Database implements Executor, OnModuleInit, OnApplicationShutdown {
  readonly clock: Clock;
  /** Ends a select whose rows nobody else may change before the transaction ends. */
  readonly forUpdate: RawBuilder<unknown>;
  /** Over how many rows a count is spread that many write at once. */
  readonly shards: number;
  private readonly db: Kysely<Schema>;

  /** Only the engine that is asked for is loaded. */
  static async open(
    { databaseUrl, dataDir }: StorageConfig,
    deadlineMs: number,
  ): Promise<Database> {
    if (databaseUrl === undefined) {
      const { openSqlite } = await import('./sqlite.js');
      return new Database(openSqlite(dataDir));
    }
    const { openPostgres } = await import('./postgres.js');
    return new Database(openPostgres(databaseUrl, deadlineMs));
  }

  private constructor(private readonly engine: Engine) {
    this.db = new Kysely<Schema>({ dialect: engine.dialect });
    this.clock = engine.clock;
    this.forUpdate = sql.raw(engine.rowLock);
    this.shards = engine.shards;
  }

  async onModuleInit(): Promise<void> {
    await migrate(this.db, this.engine.lockForMigration);
    // Queries are still compiled by it, but not run.
    await this.db.destroy();
    await this.clock.sync();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.engine.close();
  }

  /** Compiles a query for many executions; `build` uses the parameters as if they were values. */
  prepare<P extends object, R>(
    build: (db: Kysely<Schema>, parameters: P) => Compilable<R> | RawBuilder<R>,
  ): Prepared<P, R> {
    return prepare(this.db, build);
  }

  /** Runs a packet as a transaction. `ask` is called again if it met another one. */
  async run<T>(ask: (packet: Packet) => T): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await Packet.travel(this.engine.commit, ask);
      } catch (error) {
        this.giveUp(error, tries);
      }
    }
  }

  /**
   * Runs `work` in a transaction of several packets. It may run again if it met another transaction,
   * so it must do nothing but query. `abort` undoes everything and answers all the same.
   */
  async transaction<T>(
    work: (transaction: Executor, abort: (answer: T) => never) => Promise<T>,
  ): Promise<T> {
    const abort = (answer: T): never => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- not an error: an answer that rolls back
      throw new Abort(answer);
    };
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.engine.transact((run) => work(executorOf(run), abort));
      } catch (thrown) {
        if (thrown instanceof Abort) return thrown.answer as T;
        this.giveUp(thrown, tries);
      }
    }
  }

  /** Runs `work` in a transaction that no other replica's housekeeping overlaps; else not at all. */
  async housekeeping(work: (transaction: Executor) => Promise<void>): Promise<void> {
    await this.transaction(async (transaction) => {
      if (await this.engine.tryLockForHousekeeping(transaction)) await work(transaction);
    });
  }

  /** Unless it is only that two transactions met, and not for the last time. */
  private giveUp(error: unknown, tries: number): void {
    if (tries === TRIES || !this.engine.isConflict(error)) unavailable(error);
  }
}

const executorOf = (run: Run): Executor => ({ run: (ask) => Packet.travel(run, ask) });

function unavailable(cause: unknown): never {
  throw errors.storageUnavailable({
    message: 'The database failed.',
    retryAfterMs: seconds(5),
    cause,
  });
}
