import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { seconds } from '../common/durations.js';

/** Time for Redis to connect or to answer a command, in milliseconds. */
export const TIMEOUT_MS = seconds(1);

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
  logConnectionState(redis, new Logger('Redis'));
  return redis;
}

/** Logs one line when the connection is lost, however often reconnecting fails, and one when it is back. */
function logConnectionState(redis: Redis, logger: Logger): void {
  let lost = false;
  redis.on('error', (error: NodeJS.ErrnoException) => {
    if (!lost) logger.error(`Redis connection lost: ${safeMessage(error, redis.options.password)}`);
    lost = true;
  });
  redis.on('ready', () => {
    if (lost) logger.warn('Redis connection restored.');
    lost = false;
  });
}

/** The message without the password: Redis quotes a command that it rejects. */
function safeMessage({ message, code }: NodeJS.ErrnoException, password?: string | null): string {
  // Node gives no message where connecting to several addresses of a host failed.
  const text = message || (code ?? 'unknown error');
  return password ? text.replaceAll(password, '•••') : text;
}
