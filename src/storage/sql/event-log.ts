import { pooledRandomBytes } from '../../common/random.js';

/*
 * How often something happened lately, exactly, in one text column: an entry of fixed width for
 * each event, newest first, the time first in it. "Fewer than n in the last hour" is then "the
 * n-th newest entry is older than an hour", one comparison of two texts, so a single conditional
 * statement checks a sliding window and takes a place in it. An entry is unique, and can be taken
 * out again when the event turns out not to have happened.
 */

/** Milliseconds since the epoch have 13 digits from 2001 to 2286. */
const TIME_WIDTH = 13;
export const ENTRY_WIDTH = TIME_WIDTH + 8;

/** A limit on events: at most `count` in any `windowMs`. */
export interface Window {
  readonly count: number;
  readonly windowMs: number;
}

/** An event at this time. */
export function newEntry(now: number): string {
  return timeText(now) + pooledRandomBytes(4).toString('hex');
}

export function timeText(time: number): string {
  return String(time).padStart(TIME_WIDTH, '0');
}

/** Where in the log, counted from 1 as SQL does, the time of the n-th newest entry begins. */
export function positionOf(n: number): { readonly from: number; readonly length: number } {
  return { from: ENTRY_WIDTH * (n - 1) + 1, length: TIME_WIDTH };
}

/** How much of the log to keep behind a new entry, so that the longest count can be checked. */
export function lengthKept(windows: readonly Window[]): number {
  return ENTRY_WIDTH * (Math.max(...windows.map(({ count }) => count)) - 1);
}

/** When a log that is full by one of the windows takes an event again; `undefined` if it does now. */
export function fullUntil(
  log: string,
  now: number,
  windows: readonly Window[],
): number | undefined {
  const until = windows.map(({ count, windowMs }) => {
    const { from, length } = positionOf(count);
    return Number(log.slice(from - 1, from - 1 + length)) + windowMs;
  });
  const last = Math.max(...until);
  return last > now ? last : undefined;
}
