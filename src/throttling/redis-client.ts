import { Redis, ReplyError } from 'ioredis';
import { seconds } from '../common/durations.js';
import type { RedisOutage } from './redis-outage.js';

/** Time for Redis to connect or to answer a command, in milliseconds. */
export const TIMEOUT_MS = seconds(1);

/** Between two attempts to connect; short enough to work again within 5 s of an outage's end. */
const MAX_DELAY_MS = seconds(2);
/** The first attempt's delay, and by how much each later one is longer. */
const DELAY_STEP_MS = 50;

/**
 * Creates a client that reconnects by itself after the first `connect()`. A command without a
 * connection fails at once, any other after {@link TIMEOUT_MS}.
 * @param outage records errors of the connection; the client's user reports those of commands
 */
export function createRedis(url: string, outage: RedisOutage): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    // Not the client's own count of attempts: it ends with a connection, even if no command succeeds.
    retryStrategy: () => Math.min(outage.countAttempt() * DELAY_STEP_MS, MAX_DELAY_MS),
    // How long to wait before asking a server again that is loading its data.
    maxLoadingRetryTime: MAX_DELAY_MS,
    // ioredis delays the exit of the process by this, even without a connection.
    disconnectTimeout: 100,
    enableOfflineQueue: false,
    // Fail unanswered commands when the connection is lost: a retry would count the hit twice.
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    keyPrefix: 'otp:limit:',
  });
  return redis.on('error', (error) => {
    outage.report(error);
    // The client would go on without the user or the database that the server rejected.
    if (error instanceof ReplyError) redis.stream.destroy();
  });
}
