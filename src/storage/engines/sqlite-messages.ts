import type { ResultRows } from './statement-batch.js';

/** What the worker thread starts with. */
export interface SqliteWorkerData {
  /** The SQLite file. */
  readonly path: string;
  /** Memory of the lock that the process exit acquires, so that it interrupts no native call. */
  readonly nativeCallLock: SharedArrayBuffer;
}

/** A statement for the worker thread. */
export interface StatementMessage {
  readonly name: string;
  /** Only sent the first time: the worker keeps the prepared statement by its name. */
  readonly text: string | undefined;
  readonly values: readonly unknown[];
}

/** What a job does. */
export type SqliteWork =
  /** A batch that is a whole transaction. Several such jobs may share a commit. */
  | { readonly kind: 'batch'; readonly statements: readonly StatementMessage[] }
  /** One batch of a longer transaction. Other jobs wait until the job `end`. */
  | {
      readonly kind: 'step';
      readonly transaction: number;
      readonly statements: readonly StatementMessage[];
    }
  | { readonly kind: 'end'; readonly transaction: number; readonly commits: boolean }
  | { readonly kind: 'close' };

/** A job for the worker thread. */
export type SqliteJob = { readonly id: number } & SqliteWork;

/** An error between threads, which do not share the library's error class. */
export type SerializedError = Pick<Error, 'name' | 'message' | 'stack'>;

/** The rows of each statement of a job, or its error. */
export type SqliteJobResult =
  | { readonly id: number; readonly rows: readonly ResultRows[] }
  | { readonly id: number; readonly error: SerializedError };
