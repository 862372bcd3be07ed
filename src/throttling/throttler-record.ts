import { seconds } from '../common/durations.js';
import type { ThrottlerRecord } from '../http/rate-limit-headers.js';

/**
 * The result of one increment in a fixed window, which the first hit starts. A client over the limit
 * is blocked until the window ends, so `RateLimit` and `Retry-After` name the same moment.
 */
export function toThrottlerRecord(
  totalHits: number,
  remainingMs: number,
  limit: number,
): ThrottlerRecord {
  const timeToExpire = Math.ceil(remainingMs / seconds(1));
  const isBlocked = totalHits > limit;
  return { totalHits, timeToExpire, isBlocked, timeToBlockExpire: isBlocked ? timeToExpire : 0 };
}
