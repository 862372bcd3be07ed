import type { ThrottlerStorage } from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { seconds } from '../common/durations.js';

/** At most `limit` requests in each window. */
interface RateLimitPolicy {
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
}

/** The state of one counter after a request; times in seconds. */
export type ThrottlerRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/**
 * The state after a hit (a counted request) in a fixed window, which begins with the first hit. A
 * client over the limit is blocked until the window ends, so `RateLimit` and `Retry-After` name the
 * same moment.
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

/** Whether the window has rejected a hit before this one. */
export const isRepeatedRejection = ({ totalHits }: ThrottlerRecord, limit: number): boolean =>
  totalHits > limit + 1;

/**
 * Sets `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10, §3 and §4), and
 * remembers the time until an exhausted limit resets: no `Retry-After` may be shorter.
 */
export function setRateLimitHeaders(
  request: FastifyRequest,
  reply: FastifyReply,
  { name, limit, windowMs }: RateLimitPolicy,
  { totalHits, timeToExpire }: ThrottlerRecord,
): void {
  const remaining = Math.max(0, limit - totalHits);
  const window = String(windowMs / seconds(1));
  void reply.header('ratelimit-policy', `"${name}";q=${String(limit)};w=${window}`);
  void reply.header('ratelimit', `"${name}";r=${String(remaining)};t=${String(timeToExpire)}`);
  if (remaining === 0) request.rateLimitResetMs = seconds(timeToExpire);
}
