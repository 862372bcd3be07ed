/** A database to fill in bulk. Where the engines' SQL differs, statements use its dialect. */
export interface HistoryDatabase {
  readonly dialect: SqlDialect;
  run(statement: string): Promise<void>;
  /** The first column of each row. */
  list(query: string): Promise<unknown[]>;
  /**
   * Finishes all work of the filling, so that none of it runs during the measurement.
   * @returns the size of the database in bytes
   */
  finish(): Promise<number>;
  close(): Promise<void>;
}

export interface SqlDialect {
  /** An expression for random text of a length, which may be an expression too. */
  readonly randomText: (length: string) => string;
  /** A table `series` with `i` from 0 up to below the count. */
  readonly series: (count: number) => string;
  /** A query for the names of a table's columns. */
  readonly columnsOf: (table: string) => string;
}
