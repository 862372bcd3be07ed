import { setTimeout as delay } from 'node:timers/promises';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import type { Redis, Result } from 'ioredis';
import { errors } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import { toThrottlerRecord } from './throttler-record.js';
import { TIMEOUT_MS } from './redis-connection.js';

/**
 * Counts a hit and starts its window, in one step. Our own, because the script of
 * `@nest-lab/throttler-storage-redis` blocks anew for a whole window from the hit that goes over
 * the limit, so its answers would differ from the in-process storage's, and it travels with each hit.
 */
const COUNT_HIT = `
  local hits = redis.call('INCR', KEYS[1])
  local remaining = redis.call('PTTL', KEYS[1])
  if remaining < 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    remaining = tonumber(ARGV[1])
  end
  return { hits, remaining }
`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    countHit(key: string, ttlMs: number): Result<[hits: number, remainingMs: number], Context>;
  }
}

/** Counts hits in Redis, in fixed windows that a fleet shares. */
export class RedisThrottlerStorage implements ThrottlerStorage, OnApplicationShutdown {
  private readonly firstAttempt: Promise<unknown>;

  /** Connects a client, and ends its connection with the application. */
  constructor(private readonly redis: Redis) {
    redis.defineCommand('countHit', { numberOfKeys: 1, lua: COUNT_HIT });
    this.firstAttempt = Promise.race([
      // A failure is the client's: it logs it and tries again.
      redis.connect().catch(() => undefined),
      delay(TIMEOUT_MS, undefined, { ref: false }),
    ]);
  }

  /**
   * Counts one hit on a key whose window, if it has none, lasts `ttlMs` from now.
   * @throws DomainError `storage_unavailable`, if Redis cannot be reached, is slow or refuses.
   */
  async increment(
    key: string,
    ttlMs: number,
    limit: number,
  ): ReturnType<ThrottlerStorage['increment']> {
    // Only the first hits after a start ever wait here: they come before the connection could.
    await this.firstAttempt;
    try {
      const [hits, remainingMs] = await this.redis.countHit(key, ttlMs);
      return toThrottlerRecord(hits, remainingMs, limit);
    } catch (cause) {
      this.dropConnection();
      throw errors.storageUnavailable({
        message: 'Redis cannot be reached.',
        retryAfterMs: seconds(5),
        cause,
      });
    }
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }

  /**
   * Makes the client connect anew. A connection without answers may be half open, which the system
   * finds out only after many minutes; one that refuses may lead to a server that is no longer the
   * primary.
   */
  private dropConnection(): void {
    if (this.redis.status === 'ready') this.redis.stream.destroy();
  }
}
