import { Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerRequest } from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errors } from '../common/domain-error.js';
import { setRateLimitHeaders } from '../http/rate-limit-headers.js';

/**
 * Counts requests against the route's named limit, for whoever the API-key guard found to call, and
 * refuses those above it; and every one that cannot be counted, by the error that the storage throws.
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  /**
   * Instead of the base class's `X-` headers the standard ones. One counter serves all routes under
   * a limit, and its key is not hashed: it holds nothing to be hidden.
   * @throws DomainError `too_many_requests`
   */
  protected override async handleRequest({
    context,
    limit,
    ttl,
    blockDuration,
    throttler: { name = 'default' },
  }: ThrottlerRequest): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const tracker = request.client?.tracker ?? 'unknown';
    const hit = await this.storageService.increment(
      `${name}:${tracker}`,
      ttl,
      limit,
      blockDuration,
      name,
    );
    setRateLimitHeaders(
      request,
      http.getResponse<FastifyReply>(),
      { name, limit, windowMs: ttl },
      hit,
    );
    if (hit.isBlocked) throw errors.tooManyRequests();
    return true;
  }
}
