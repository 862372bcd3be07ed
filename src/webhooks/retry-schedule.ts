import { hours, minutes, seconds } from '../common/durations.js';

/** When an event is tried again, in milliseconds after it was written. */
const RETRY_AFTER_MS = [
  ...[seconds(5), seconds(30), minutes(2), minutes(10), minutes(30)],
  ...[hours(2), hours(6), hours(12), hours(24)],
];

/** A delay is longer by up to this fraction, to spread events that were written together. */
const MAX_JITTER = 0.1;

/**
 * All times are milliseconds since the epoch.
 * @param createdAt when the event was written
 * @returns when the event is tried next; `undefined` after the last try
 */
export function findNextTryTime(createdAt: number, now: number): number | undefined {
  const afterMs = RETRY_AFTER_MS.find((ms) => createdAt + ms > now);
  if (afterMs === undefined) return undefined;
  return Math.round(createdAt + afterMs * (1 + Math.random() * MAX_JITTER));
}
