import { Inject, Injectable } from '@nestjs/common';
import { ThrottlerStorage } from '@nestjs/throttler';
import { seconds } from '../common/durations.js';

/** Finds out whether requests can be counted. */
@Injectable()
export class RateLimitHealthIndicator {
  constructor(@Inject(ThrottlerStorage) private readonly storage: ThrottlerStorage) {}

  /**
   * Counts itself, because a Redis that answers may yet refuse to write.
   * @throws DomainError `storage_unavailable`
   */
  async check(): Promise<void> {
    await this.storage.increment('probe', seconds(10), Infinity, 0, 'probe');
  }
}
