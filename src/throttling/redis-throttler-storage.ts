import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { Redis, type Result } from 'ioredis';
import { errors } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import { toThrottlerRecord, type ThrottlerRecord } from '../http/rate-limit-headers.js';

/** Time for Redis to connect or to answer a command, in milliseconds. */
const TIMEOUT_MS = seconds(1);

/**
 * Counts a hit and starts its window in one step. Not `@nest-lab/throttler-storage-redis`: its script
 * restarts the block at the first hit over the limit, unlike the in-process storage. It is also sent
 * whole with every hit.
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

/** Counts hits in Redis, in fixed windows shared by all replicas. */
export class RedisThrottlerStorage implements ThrottlerStorage, OnApplicationShutdown {
  private readonly firstAttempt: Promise<unknown>;

  /** Connects the client, and disconnects it when the application stops. */
  constructor(private readonly redis: Redis) {
    redis.defineCommand('countHit', { numberOfKeys: 1, lua: COUNT_HIT });
    this.firstAttempt = Promise.race([
      // The client logs a failure and retries by itself.
      redis.connect().catch(() => undefined),
      delay(TIMEOUT_MS, undefined, { ref: false }),
    ]);
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
      return toThrottlerRecord(hits, remainingMs, limit);
    } catch (cause) {
      // Reconnect: a connection without answers may be half open, which the system detects after
      // minutes. One that rejects writes may lead to a server that is no longer the primary.
      if (this.redis.status === 'ready') this.redis.stream.destroy();
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
}

/**
 * Creates a client that reconnects by itself after the first `connect()`. A command without a
 * connection fails at once, any other after {@link TIMEOUT_MS}.
 */
export function createRedis(url: string): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    // ioredis delays the exit of the process by this, even without a connection.
    disconnectTimeout: 100,
    enableOfflineQueue: false,
    // Fail unanswered commands when the connection is lost: a retry would count the hit twice.
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    keyPrefix: 'otp:limit:',
  });
  const logger = new Logger('Redis');
  // One line when the connection is lost, however often reconnecting fails, and one when it is back.
  let lost = false;
  redis.on('error', (error: NodeJS.ErrnoException) => {
    if (!lost) logger.error(`Redis connection lost: ${toSafeText(error, redis.options.password)}`);
    lost = true;
  });
  redis.on('ready', () => {
    if (lost) logger.warn('Redis connection restored.');
    lost = false;
  });
  return redis;
}

/** The message without the password: Redis quotes a command that it rejects. */
function toSafeText({ message, code }: NodeJS.ErrnoException, password?: string | null): string {
  // Node gives no message where connecting to several addresses of a host failed.
  const text = message || (code ?? 'unknown error');
  return password ? text.replaceAll(password, '•••') : text;
}
