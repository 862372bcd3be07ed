/** A service's database, to fill with weeks of verifications. `dialect` has the SQL that
 * PostgreSQL and SQLite do not share. */
export interface HistoryDatabase {
  readonly dialect: SqlDialect;
  run(statement: string): Promise<void>;
  /** The first column of each row. */
  list(query: string): Promise<unknown[]>;
  /**
   * Vacuums and flushes what was filled, so that neither happens during the measurement.
   * @returns the size of the database in bytes
   */
  flushAndGetSize(): Promise<number>;
  close(): Promise<void>;
}

export interface SqlDialect {
  /** An expression for random text of a length, which may be an expression too. */
  readonly randomText: (length: string) => string;
  /** A table for a FROM clause: `series`, whose column `i` counts up from 0 to `count` - 1. */
  readonly series: (count: number) => string;
  /** A query for the names of a table's columns. */
  readonly columnsOf: (table: string) => string;
}
