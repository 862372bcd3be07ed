import type { Dialect, Transaction } from 'kysely';
import type { Clock } from '../../common/clock.js';
import type { Schema } from './schema.js';

/** What differs between the databases. Everything else is said once, in the query layer. */
export interface Engine {
  readonly dialect: Dialect;
  /** The clock that rules what this database holds. */
  readonly clock: Clock;
  /** Over how many rows a count is spread that many write at once. */
  readonly shards: number;
  /** Waits until no other process migrates, for the rest of the transaction. */
  readonly lockForMigration: (transaction: Transaction<Schema>) => Promise<void>;
  /** Whether this process may do the housekeeping, for the rest of the transaction. */
  readonly tryLockForHousekeeping: (transaction: Transaction<Schema>) => Promise<boolean>;
  /** Whether an error means that two transactions met, and that repeating this one will do. */
  readonly isConflict: (error: unknown) => boolean;
}
