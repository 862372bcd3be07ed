import type { Dialect, Transaction as SchemaTransaction } from 'kysely';
import type { Clock } from '../../common/clock.js';
import type { Schema } from './schema.js';
import type { Executor, Run } from './statement.js';

/** What differs between the databases. Everything else is said once, in the query layer. */
export interface Engine {
  /** What tongue queries are compiled to. Its own connection is for the schema's changes alone. */
  readonly dialect: Dialect;
  /** The clock that rules what this database holds. */
  readonly clock: Clock;
  /** What a select ends with so that nobody changes what it has read before the transaction ends. */
  readonly rowLock: 'for update' | '';
  /** Over how many rows a count is spread that many write at once. */
  readonly shards: number;
  /** All of it happens, or nothing. Resolves when it is durable. */
  readonly commit: Run;
  /**
   * Commits what `work` did once it has resolved, and undoes it if it throws. Resolves when it is
   * durable. `work` waits for each answer before it asks again.
   */
  transact<T>(work: (run: Run) => Promise<T>): Promise<T>;
  close(): Promise<void>;
  /** Waits until no other process migrates, for the rest of the transaction. */
  readonly lockForMigration: (transaction: SchemaTransaction<Schema>) => Promise<void>;
  /** Whether this process may do the housekeeping, for the rest of the transaction. */
  readonly tryLockForHousekeeping: (transaction: Executor) => Promise<boolean>;
  /** Whether an error means that two transactions met, and that repeating this one will do. */
  readonly isConflict: (error: unknown) => boolean;
}
