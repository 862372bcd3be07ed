import type { Rows } from './statement.js';

/** What the thread that has the SQLite file begins with. */
export interface ThreadData {
  /** The file. */
  readonly path: string;
  /** Of the lock that the thread holds while it is in SQLite's library. */
  readonly inLibrary: SharedArrayBuffer;
}

/** A statement as it travels between threads. */
export interface Asking {
  readonly name: string;
  /** Said once; from then on the name says it. */
  readonly text: string | undefined;
  readonly values: readonly unknown[];
}

/** What the thread that has the SQLite file is to do. */
export type Job =
  /** All of it or nothing. It may share its commit with others. */
  | { readonly kind: 'commit'; readonly id: number; readonly asking: readonly Asking[] }
  /** In a transaction that has the file for itself, from its first step to its end. */
  | {
      readonly kind: 'step';
      readonly id: number;
      readonly transaction: number;
      readonly asking: readonly Asking[];
    }
  | {
      readonly kind: 'end';
      readonly id: number;
      readonly transaction: number;
      readonly commits: boolean;
    }
  | { readonly kind: 'close'; readonly id: number };

/** What is told of an error: the library's own kind does not travel between threads. */
export type Fault = Pick<Error, 'name' | 'message' | 'stack'>;

/** What became of a job: the rows of each statement, or why there are none. */
export type Outcome =
  | { readonly id: number; readonly rows: readonly Rows[] }
  | { readonly id: number; readonly fault: Fault };
