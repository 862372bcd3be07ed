import type { DialectName } from './dialects.js';

export const OPERATIONS = ['send', 'verify', 'flow'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** A stretch of load on one subject. */
export interface Slice {
  readonly url: string;
  readonly dialect: DialectName;
  readonly operation: Operation;
  /** How many sends, verifies or whole flows. A verify takes up what a send of the run has left. */
  readonly count: number;
  readonly connections: number;
  /** The first of the numbers that are texted; a run uses each once. */
  readonly firstNumber: number;
  /** With an idempotency key of its own for each request. */
  readonly keyed: boolean;
  readonly bearer?: string | undefined;
  /** Bodies are filled up to this size. */
  readonly bodyBytes?: number | undefined;
  /** Asks at this rate; without it, as fast as the answers come. */
  readonly perSecond?: number | undefined;
}

/** What the load saw of a slice. */
export interface SliceResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
