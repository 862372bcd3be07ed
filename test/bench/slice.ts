import type { DialectName } from './dialects.js';

export const OPERATIONS = ['send', 'verify', 'flow'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** How a subject is asked. */
export interface Manner {
  readonly connections: number;
  /** With an idempotency key of its own for each request. */
  readonly keyed?: boolean | undefined;
  /** Each send names the address of an end user of its own. */
  readonly endUsers?: boolean | undefined;
  /** Bodies are filled up to this size. */
  readonly bodyBytes?: number | undefined;
  /** Asks at this rate; without it, as fast as the answers come. */
  readonly perSecond?: number | undefined;
}

/** A stretch of load on one subject. */
export interface Slice extends Manner {
  readonly url: string;
  readonly dialect: DialectName;
  readonly operation: Operation;
  /** How many sends, verifies or whole flows. A verify takes up what a send of the run has left. */
  readonly count: number;
  /** The first of the numbers that are texted; a run uses each once. */
  readonly firstNumber: number;
  readonly bearer?: string | undefined;
}

/** What the load saw of a slice. */
export interface SliceResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
