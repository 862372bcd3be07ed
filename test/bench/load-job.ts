import type { ServerApiName } from './server-apis.js';

/** A flow is a send, followed by the verify of its code. */
export const OPERATIONS = ['send', 'verify', 'flow'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** How requests are sent to a server. */
export interface LoadOptions {
  readonly connections: number;
  /** Sends each request with a new idempotency key. */
  readonly hasIdempotencyKey?: boolean | undefined;
  /** Sends the IP address of a different end user with each send. */
  readonly hasEndUserIp?: boolean | undefined;
  /** Pads request bodies to this size, in bytes. */
  readonly bodyBytes?: number | undefined;
  /** Sends at this rate; without it, as fast as the answers arrive. */
  readonly perSecond?: number | undefined;
}

/** Requests of one operation to one server. */
export interface LoadJob extends LoadOptions {
  readonly url: string;
  readonly api: ServerApiName;
  readonly operation: Operation;
  /** The number of sends, verifies or flows. Verify jobs use the codes of earlier send jobs. */
  readonly count: number;
  /** The index of the first phone number to send to. No other job uses these numbers. */
  readonly firstNumber: number;
  readonly bearer?: string | undefined;
}

/** Rate and latencies of a job. */
export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
