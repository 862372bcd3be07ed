import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import {
  Kysely,
  type Compilable,
  type CompiledQuery,
  type RawBuilder,
  type Transaction,
} from 'kysely';
import type { Clock } from '../../common/clock.js';
import { DomainError } from '../../common/domain-error.js';
import { seconds } from '../../common/durations.js';
import { AppConfig } from '../../config/app-config.js';
import type { Engine } from './engine.js';
import { migrate } from './migrate.js';
import { openPostgres } from './postgres.js';
import type { Schema } from './schema.js';
import { openSqlite } from './sqlite.js';

/** Runs queries: the database itself, or a transaction on it. */
export type Executor = Pick<Kysely<Schema>, 'executeQuery'>;

/** A query that was compiled once; a call only binds its values. Resolves with its rows. */
export type Prepared<P, R> = (executor: Executor, values: P) => Promise<R[]>;

/** How often a transaction that met another one is begun again. */
const TRIES = 3;

/** Stands for a value that is given later, while a query is compiled. */
class Parameter {
  constructor(readonly name: string) {}
}

/** Ends a transaction without a trace, and carries what it is to answer. */
class Abort {
  constructor(readonly answer: unknown) {}
}

/** The service's database, on either engine. Whatever fails in it is `storage_unavailable`. */
@Injectable()
export class Database implements OnModuleInit, OnApplicationShutdown {
  readonly clock: Clock;
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
    this.shards = this.engine.shards;
  }

  async onModuleInit(): Promise<void> {
    await migrate(this.db, this.engine.lockForMigration);
    await this.clock.synchronize();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.db.destroy();
  }

  /** Compiles a query for many executions; `build` uses the parameters as if they were values. */
  prepare<P extends object, R>(
    build: (db: Kysely<Schema>, parameters: P) => Compilable<R> | RawBuilder<R>,
  ): Prepared<P, R> {
    const parameters = new Proxy({}, { get: (_target, name) => new Parameter(String(name)) }) as P;
    const compiled = build(this.db, parameters).compile(this.db);
    return async (executor, values) => {
      const bound: CompiledQuery<R> = {
        ...compiled,
        parameters: compiled.parameters.map((parameter) =>
          parameter instanceof Parameter ? values[parameter.name as keyof P] : parameter,
        ),
      };
      const { rows } = await executor.executeQuery(bound);
      return rows;
    };
  }

  /** Runs one query by itself. */
  async run<P, R>(query: Prepared<P, R>, values: P): Promise<R[]> {
    return query(this.db, values).catch(unavailable);
  }

  /**
   * Runs `work` in a transaction. It may run again if it met another transaction, so it must do
   * nothing but query. `abort` undoes everything and answers all the same.
   */
  async transaction<T>(
    work: (transaction: Transaction<Schema>, abort: (answer: T) => never) => Promise<T>,
  ): Promise<T> {
    const abort = (answer: T): never => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- not an error: an answer that rolls back
      throw new Abort(answer);
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.db.transaction().execute((transaction) => work(transaction, abort));
      } catch (thrown) {
        if (thrown instanceof Abort) return thrown.answer as T;
        if (attempt === TRIES || !this.engine.isConflict(thrown)) return unavailable(thrown);
      }
    }
  }

  /** Runs `work` in a transaction that no other replica's housekeeping overlaps; else not at all. */
  async housekeeping(work: (transaction: Transaction<Schema>) => Promise<void>): Promise<void> {
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
