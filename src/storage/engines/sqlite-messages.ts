import type { ResultRows } from './statement-batch.js';

/** What the worker thread starts with. */
export interface SqliteWorkerData {
  /** The SQLite file. */
  readonly path: string;
  /** The memory of the lock that the worker acquires for each call of SQLite's library. */
  readonly nativeCallLock: SharedArrayBuffer;
}

/** A statement between threads. */
export interface StatementMessage {
  readonly name: string;
  /** Sent once per name. */
  readonly text: string | undefined;
  readonly values: readonly unknown[];
}

/** A job for the worker thread. */
export type SqliteJob = { readonly id: number } &
  /** A transaction of one batch. It may share its commit with others. */
  (
    | { readonly kind: 'batch'; readonly statements: readonly StatementMessage[] }
    /** One batch of a transaction, which has the file to itself until its end. */
    | {
        readonly kind: 'step';
        readonly transaction: number;
        readonly statements: readonly StatementMessage[];
      }
    | { readonly kind: 'end'; readonly transaction: number; readonly commits: boolean }
    | { readonly kind: 'close' }
  );

/** An error between threads, which do not share the library's error class. */
export type SerializedError = Pick<Error, 'name' | 'message' | 'stack'>;

/** The rows of each statement of a job, or its error. */
export type SqliteJobResult =
  | { readonly id: number; readonly rows: readonly ResultRows[] }
  | { readonly id: number; readonly error: SerializedError };
