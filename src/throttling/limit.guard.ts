import { Injectable, type ExecutionContext } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';
import { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';

/** Counts requests against the route's named limit and refuses those above it. */
@Injectable()
export class LimitGuard extends ThrottlerGuard {
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
