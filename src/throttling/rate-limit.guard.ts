import { Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerRequest } from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ClientRules } from '../clients/client-rules.js';
import { DomainError } from '../common/domain-error.js';
import { isRepeatedRejection, setRateLimitHeaders } from '../http/rate-limit-headers.js';
import type { RateLimitName } from './rate-limit.decorator.js';

/** The rule of a client that sets its own limit. */
const CLIENT_LIMITS = {
  send: 'sendsPerMinute',
  verify: 'verifiesPerMinute',
} as const satisfies Record<RateLimitName, keyof ClientRules['throttle']>;

/** Counts requests per client against the named limit of the route (`@RateLimit`). */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  /**
   * Differs from the base class in four points: standard headers instead of `X-` ones, one counter for
   * all routes of a limit, the limits of the client, and a readable key, since it contains nothing secret.
   * @throws DomainError `too_many_requests`, or `storage_unavailable` if the request cannot be counted
   */
  protected override async handleRequest({
    context,
    limit: defaultLimit,
    ttl,
    blockDuration,
    throttler: { name = 'default' },
  }: ThrottlerRequest): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const limit = findOwnLimit(request.client?.rules, name as RateLimitName) ?? defaultLimit;
    const key = `${name}:${request.client?.tracker ?? 'unknown'}`;
    const record = await this.storageService.increment(key, ttl, limit, blockDuration, name);
    const reply = http.getResponse<FastifyReply>();
    setRateLimitHeaders(request, reply, { name, limit, windowMs: ttl }, record);
    if (record.isBlocked) {
      throw new DomainError('too_many_requests', {
        limit: `rate_limit_${name as RateLimitName}`,
        auditDetails: { isRepeated: isRepeatedRejection(record, limit) },
      });
    }
    return true;
  }
}

const findOwnLimit = (rules: ClientRules | undefined, name: RateLimitName): number | undefined =>
  rules?.throttle[CLIENT_LIMITS[name]];
