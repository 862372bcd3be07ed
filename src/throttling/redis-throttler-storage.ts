import { setTimeout as delay } from 'node:timers/promises';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { ReplyError, type Redis, type Result } from 'ioredis';
import { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import { toThrottlerRecord, type ThrottlerRecord } from '../http/rate-limit-headers.js';
import { createRedis, REDIS_TIMEOUT_MS } from './redis-client.js';
import { RedisOutage } from './redis-outage.js';

/**
 * Counts a hit and starts its window in one step. `@nest-lab/throttler-storage-redis` is not used:
 * at the first hit over the limit, it blocks the key for a whole new period. The in-process storage
 * blocks it only until the window ends. The package also sends its whole script with every hit.
 *
 * Redis keeps the wall-clock time at which a key expires. After its clock was set back, the
 * remaining time may be longer than the whole window. The window then starts again without losing
 * its hits.
 */
const COUNT_HIT = `
  local hits = redis.call('INCR', KEYS[1])
  local remaining = redis.call('PTTL', KEYS[1])
  if remaining < 0 or remaining > tonumber(ARGV[1]) then
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    remaining = tonumber(ARGV[1])
  end
  return { hits, remaining }
`;

/** Replies of a replica, or of a primary without its replicas: another server may be the primary by now. */
const NOT_PRIMARY = /\b(READONLY|MASTERDOWN|NOREPLICAS)\b/;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    countHit(key: string, ttlMs: number): Result<[hits: number, remainingMs: number], Context>;
  }
}

/** Counts hits in Redis, in fixed windows that all replicas of the service share. */
export class RedisThrottlerStorage implements ThrottlerStorage, OnApplicationShutdown {
  readonly redis: Redis;
  private readonly outage: RedisOutage;
  /** Resolves when the first attempt to connect has succeeded, failed or timed out. */
  private readonly firstAttempt: Promise<unknown>;

  /** Begins to connect. The storage can be used at once: the first hits wait for the connection. */
  constructor(url: string) {
    this.outage = new RedisOutage(decodeURIComponent(new URL(url).password));
    this.redis = createRedis(url, this.outage);
    this.redis.defineCommand('countHit', { numberOfKeys: 1, lua: COUNT_HIT });
    this.firstAttempt = Promise.race([
      // The client reports a failure and retries by itself.
      this.redis.connect().catch(() => undefined),
      delay(REDIS_TIMEOUT_MS, undefined, { ref: false }),
    ]);
  }

  /**
   * Rejects a cluster or a sentinel. If Redis cannot be reached, the service starts all the same.
   * @throws Error if `REDIS_URL` leads to a node of a cluster, or to a sentinel
   */
  async assertStandalone(): Promise<void> {
    await this.firstAttempt;
    // No check if Redis cannot be reached, or its user may not run this command.
    const info = await this.redis.info('server').catch(() => '');
    const mode = /^redis_mode:(cluster|sentinel)/m.exec(info)?.[1];
    if (mode === undefined) return;
    this.redis.disconnect();
    const address =
      mode === 'sentinel'
        ? 'an address that always leads to the primary'
        : 'the address of a single Redis';
    throw new Error(
      `REDIS_URL leads to a server in ${mode} mode, which is not supported. Set it to ${address}.`,
    );
  }

  /**
   * Counts one hit. Starts a window of `ttlMs` if none is open for the key.
   * @throws DomainError `storage_unavailable` if Redis is unreachable, slow or rejects the command
   */
  async increment(key: string, ttlMs: number, limit: number): Promise<ThrottlerRecord> {
    // Only the first hits after a start wait, for the connection.
    await this.firstAttempt;
    try {
      const [hits, remainingMs] = await this.redis.countHit(key, ttlMs);
      this.outage.end();
      return toThrottlerRecord(hits, remainingMs, limit);
    } catch (cause) {
      // Without a connection, the client itself has reported why.
      if (this.redis.status === 'ready' && this.redis.stream.writable)
        this.reportAndReconnect(cause);
      throw new DomainError('storage_unavailable', {
        message: 'Redis cannot be reached.',
        retryAfterMs: seconds(5),
        cause,
      });
    }
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }

  private reportAndReconnect(error: unknown): void {
    this.outage.report(error as Error);
    // Reconnect: a connection without answers may be half open, which the system detects after minutes.
    const hasReply = error instanceof ReplyError;
    if (!hasReply || NOT_PRIMARY.test((error as Error).message)) this.redis.stream.destroy();
  }
}
