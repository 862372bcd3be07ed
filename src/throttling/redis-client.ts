import { Redis, ReplyError } from 'ioredis';
import { seconds } from '../common/durations.js';
import type { RedisOutage } from './redis-outage.js';

/** Time for Redis to connect or to answer a command, in milliseconds. */
export const REDIS_TIMEOUT_MS = seconds(1);

/** Longest delay between attempts to connect. Short, so that the service recovers within 5 s. */
const MAX_DELAY_MS = seconds(2);
/** The delay grows by this step with each attempt. */
const DELAY_STEP_MS = 50;

/**
 * Creates a client that reconnects by itself after the first `connect()`. A command without a
 * connection fails at once, any other after {@link REDIS_TIMEOUT_MS}.
 * @param outage gets the errors of the connection. The caller reports the errors of commands
 * itself.
 */
export function createRedis(url: string, outage: RedisOutage): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: REDIS_TIMEOUT_MS,
    commandTimeout: REDIS_TIMEOUT_MS,
    // Not ioredis' own count of attempts, which a connection resets even if no command succeeds.
    retryStrategy: () => Math.min(outage.countAttempt() * DELAY_STEP_MS, MAX_DELAY_MS),
    // While Redis loads its data, ioredis repeats the ready check after at most this time.
    maxLoadingRetryTime: MAX_DELAY_MS,
    // ioredis delays the exit of the process by this time, even without a connection.
    disconnectTimeout: 100,
    enableOfflineQueue: false,
    // Fail unanswered commands when the connection is lost: a retry would count the hit twice.
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    keyPrefix: 'otp:limit:',
  });
  return redis.on('error', (error) => {
    outage.report(error);
    // Otherwise ioredis would use the connection although Redis rejected AUTH or SELECT.
    if (error instanceof ReplyError) redis.stream.destroy();
  });
}
