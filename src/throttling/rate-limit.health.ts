import { Inject, Injectable } from '@nestjs/common';
import { ThrottlerStorage } from '@nestjs/throttler';
import { seconds } from '../common/durations.js';

/** Checks that requests can be counted. */
@Injectable()
export class RateLimitHealthIndicator {
  constructor(@Inject(ThrottlerStorage) private readonly storage: ThrottlerStorage) {}

  /**
   * Counts a hit of its own, because a Redis that responds may still reject writes.
   * @throws DomainError `storage_unavailable`
   */
  async check(): Promise<void> {
    await this.storage.increment('probe', seconds(10), Infinity, 0, 'probe');
  }
}
