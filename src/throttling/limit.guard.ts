import { Injectable, type ExecutionContext } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';
import { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';

/**
 * Counts requests against the route's named limit and refuses those above it; and every one that
 * cannot be counted, by the error that the storage throws.
 */
@Injectable()
export class LimitGuard extends ThrottlerGuard {
  /** One counter for all routes under a limit. Not hashed: the key holds nothing to be hidden. */
  protected override generateKey(
    _context: ExecutionContext,
    tracker: string,
    name: string,
  ): string {
    return `${name}:${tracker}`;
  }

  /** @throws DomainError `too_many_requests`, with the rest of the block as its wait. */
  protected override async throwThrottlingException(
    _context: ExecutionContext,
    { timeToBlockExpire }: ThrottlerLimitDetail,
  ): Promise<void> {
    throw new DomainError('too_many_requests', 'Slow down: too many requests in a minute.', {
      retryAfterMs: seconds(timeToBlockExpire),
    });
  }
}
