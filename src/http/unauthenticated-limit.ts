import { Injectable } from '@nestjs/common';
import { InjectThrottlerStorage, type ThrottlerStorage } from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { minutes } from '../common/durations.js';
import { getClientIp } from './authenticated-client.js';
import { isRepeatedRejection, setRateLimitHeaders } from './rate-limit-headers.js';

/** Beyond this limit per IP address, requests without valid credentials get 429 instead of 401. */
const UNAUTHENTICATED_LIMIT = { name: 'unauthenticated', limit: 30, windowMs: minutes(1) };

/** Limits requests without valid credentials by IP address. It never blocks a valid request. */
@Injectable()
export class UnauthenticatedLimit {
  constructor(@InjectThrottlerStorage() private readonly storage: ThrottlerStorage) {}

  /**
   * Counts a request whose credentials are not valid, and sets the rate limit headers.
   * @param message of the error
   * @throws DomainError `too_many_requests`, or `storage_unavailable` if it cannot be counted
   */
  async count(request: FastifyRequest, reply: FastifyReply, message: string): Promise<void> {
    const { name, limit, windowMs } = UNAUTHENTICATED_LIMIT;
    const address = getClientIp(request);
    // Set here too, because a rejected provider report is answered without an error.
    request.auditDetails = { address };
    const key = `${name}:${address}`;
    const record = await this.storage.increment(key, windowMs, limit, windowMs, name);
    setRateLimitHeaders(request, reply, UNAUTHENTICATED_LIMIT, record);
    if (!record.isBlocked) return;
    throw new DomainError('too_many_requests', {
      message,
      limit: 'rate_limit_unauthenticated',
      auditDetails: { address, isRepeated: isRepeatedRejection(record, limit) },
    });
  }
}
