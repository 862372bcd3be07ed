import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Kysely, sql, type Compilable, type RawBuilder } from 'kysely';
import type { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { seconds } from '../../common/durations.js';
import { AppConfig } from '../../config/app-config.js';
import type { Engine, Transaction } from './engine.js';
import { migrate } from './migrate.js';
import { openPostgres } from './postgres.js';
import type { Schema } from './schema.js';
import { openSqlite } from './sqlite.js';
import { prepare, type Prepared } from './statement.js';

/** How often a transaction that met another one is begun again. */
const TRIES = 3;

/** Ends a transaction without a trace, and carries what it is to answer. */
class Abort {
  constructor(readonly answer: unknown) {}
}

/** The service's database, on either engine. Whatever fails in it is `storage_unavailable`. */
@Injectable()
export class Database implements OnModuleInit, OnApplicationShutdown {
  readonly clock: Clock;
  /** Ends a select whose rows nobody else may change before the transaction ends. */
  readonly forUpdate: RawBuilder<unknown>;
  /** Over how many rows a count is spread that many write at once. */
  readonly shards: number;
  private readonly engine: Engine;
  private readonly db: Kysely<Schema>;

  constructor({ storage }: AppConfig) {
    this.engine =
      storage.databaseUrl === undefined
        ? openSqlite(storage.dataDir)
        : openPostgres(storage.databaseUrl);
    this.db = new Kysely<Schema>({ dialect: this.engine.dialect });
    this.clock = this.engine.clock;
    this.forUpdate = sql.raw(this.engine.rowLock);
    this.shards = this.engine.shards;
  }

  async onModuleInit(): Promise<void> {
    await migrate(this.db, this.engine.lockForMigration);
    await this.clock.synchronize();
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

  /** Runs one query by itself. */
  async run<P, R>(query: Prepared<P, R>, values: P): Promise<readonly R[]> {
    return query(this.engine, values).catch(unavailable);
  }

  /**
   * Runs `work` in a transaction. It may run again if it met another transaction, so it must do
   * nothing but query. `abort` undoes everything and answers all the same.
   */
  async transaction<T>(
    work: (transaction: Transaction, abort: (answer: T) => never) => Promise<T>,
  ): Promise<T> {
    const abort = (answer: T): never => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- not an error: an answer that rolls back
      throw new Abort(answer);
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.engine.transact((transaction) => work(transaction, abort));
      } catch (thrown) {
        if (thrown instanceof Abort) return thrown.answer as T;
        if (attempt === TRIES || !this.engine.isConflict(thrown)) return unavailable(thrown);
      }
    }
  }

  /** Runs `work` in a transaction that no other replica's housekeeping overlaps; else not at all. */
  async housekeeping(work: (transaction: Transaction) => Promise<void>): Promise<void> {
    await this.transaction(async (transaction) => {
      if (await this.engine.tryLockForHousekeeping(transaction)) await work(transaction);
    });
  }
}

function unavailable(cause: unknown): never {
  throw new DomainError('storage_unavailable', 'the database failed', {
    retryAfterMs: seconds(5),
    cause,
  });
}
