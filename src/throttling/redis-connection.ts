import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { seconds } from '../common/durations.js';

/** How long Redis may take to connect or to answer a command, in milliseconds. */
export const TIMEOUT_MS = seconds(1);

/**
 * A client that is to be connected once and then reconnects by itself. A command fails rather than
 * wait: at once without a connection, otherwise after {@link TIMEOUT_MS}.
 */
export function createRedis(url: string): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    // Also how long ioredis holds up the end of the process, even without a connection to close.
    disconnectTimeout: 100,
    enableOfflineQueue: false,
    // What a lost connection left unanswered fails at once, and isn't sent (and counted) again.
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    keyPrefix: 'otp:limit:',
  });
  logConnectionState(redis, new Logger('Redis'));
  return redis;
}

/** One line when Redis is lost, however often reconnecting fails, and one when it is back. */
function logConnectionState(redis: Redis, logger: Logger): void {
  let lost = false;
  redis.on('error', (error: NodeJS.ErrnoException) => {
    if (!lost) logger.error(`Redis is lost: ${safeMessage(error, redis.options.password)}`);
    lost = true;
  });
  redis.on('ready', () => {
    if (lost) logger.warn('Redis is back.');
    lost = false;
  });
}

/** The message, without the password: Redis quotes a command that it refuses. */
function safeMessage({ message, code }: NodeJS.ErrnoException, password?: string | null): string {
  // Node gives no message where several addresses of one host failed.
  const reason = message || (code ?? 'no reason given');
  return password ? reason.replaceAll(password, '•••') : reason;
}
