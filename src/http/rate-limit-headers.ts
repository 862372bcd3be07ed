import type { ThrottlerStorage } from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { seconds } from '../common/durations.js';

/** So many requests in a window. */
export interface RateLimitPolicy {
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
}

type Hit = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/**
 * Tells the caller what is left of its quota (draft-ietf-httpapi-ratelimit-headers-10, §3 and §4),
 * and notes on the request how long it is spent, so that no `Retry-After` ends before that.
 */
export function setRateLimitHeaders(
  request: FastifyRequest,
  reply: FastifyReply,
  { name, limit, windowMs }: RateLimitPolicy,
  { totalHits, timeToExpire }: Hit,
): void {
  const remaining = Math.max(0, limit - totalHits);
  const window = String(windowMs / seconds(1));
  void reply.header('ratelimit-policy', `"${name}";q=${String(limit)};w=${window}`);
  void reply.header('ratelimit', `"${name}";r=${String(remaining)};t=${String(timeToExpire)}`);
  if (remaining === 0) request.rateLimitResetMs = seconds(timeToExpire);
}
