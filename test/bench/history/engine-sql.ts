/** A database that is filled in bulk; a statement says what the engines say differently by its words. */
export interface HistoryDatabase {
  readonly words: EngineWords;
  run(statement: string): Promise<void>;
  /** The first column of each row. */
  list(query: string): Promise<unknown[]>;
  /**
   * Sees to it that nothing of the filling is left to be done while something is measured.
   * @returns how large the database is, in bytes.
   */
  settle(): Promise<number>;
  close(): Promise<void>;
}

export interface EngineWords {
  /** An expression for random text of a length, which may be an expression too. */
  readonly noise: (length: string) => string;
  /** A table `series` with `i` from 0 up to below the count. */
  readonly series: (count: number) => string;
  /** A query for the names of a table's columns. */
  readonly columnsOf: (table: string) => string;
}
