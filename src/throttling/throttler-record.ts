import type { ThrottlerStorage } from '@nestjs/throttler';
import { seconds } from '../common/durations.js';

type HitRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/**
 * What the guard hears of one hit, in seconds as it wants it. A window starts with its first hit
 * and no later one moves its end. Whoever is over the limit is blocked until that end: `r` and `t`
 * of a RateLimit header and a Retry-After then speak of the same moment.
 */
export function toThrottlerRecord(hits: number, remainingMs: number, limit: number): HitRecord {
  const timeToExpire = Math.ceil(remainingMs / seconds(1));
  const isBlocked = hits > limit;
  return {
    totalHits: hits,
    timeToExpire,
    isBlocked,
    timeToBlockExpire: isBlocked ? timeToExpire : 0,
  };
}
