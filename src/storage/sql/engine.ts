import type { Dialect, Transaction as SchemaTransaction } from 'kysely';
import type { Clock } from '../../common/clock.js';
import type { Schema } from './schema.js';
import type { Executor } from './statement.js';

/** Statements that happen all together or not at all. */
export interface Transaction extends Executor {
  /**
   * Commits behind the statements asked so far, which then need no answer of their own first. For
   * those that nothing can refuse any more; else a transaction commits when its work is done.
   */
  commitBehind(): void;
}

/** What differs between the databases. Everything else is said once, in the query layer. */
export interface Engine extends Executor {
  /** For the schema's changes, and what tongue queries are compiled to. */
  readonly dialect: Dialect;
  /** The clock that rules what this database holds. */
  readonly clock: Clock;
  /** What a select ends with so that nobody changes what it has read before the transaction ends. */
  readonly rowLock: 'for update' | '';
  /** Over how many rows a count is spread that many write at once. */
  readonly shards: number;
  /**
   * Commits what `work` did once it has resolved, and undoes it if it throws. Resolves when it is
   * durable. Statements that `work` asks for together are run in the order in which it asked.
   */
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
  /** Waits until no other process migrates, for the rest of the transaction. */
  readonly lockForMigration: (transaction: SchemaTransaction<Schema>) => Promise<void>;
  /** Whether this process may do the housekeeping, for the rest of the transaction. */
  readonly tryLockForHousekeeping: (transaction: Transaction) => Promise<boolean>;
  /** Whether an error means that two transactions met, and that repeating this one will do. */
  readonly isConflict: (error: unknown) => boolean;
}
