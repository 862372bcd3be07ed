import { Module, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ThrottlerModule, type ThrottlerModuleOptions } from '@nestjs/throttler';
import { Clock } from '../common/clock.js';
import { minutes } from '../common/durations.js';
import { throttleConfig, type ThrottleConfig } from '../config/throttle.config.js';
import { StorageModule } from '../storage/storage.module.js';
import { MemoryThrottlerStorage } from './memory-throttler-storage.js';
import { RATE_LIMIT, type RateLimitName } from './rate-limit.decorator.js';

const reflector = new Reflector();

/** A limit per minute that applies only to the routes with `@RateLimit(name)`. */
const perMinute = (name: RateLimitName, limit: number) => ({
  name,
  limit,
  ttl: minutes(1),
  skipIf: (context: ExecutionContext) => reflector.get(RATE_LIMIT, context.getHandler()) !== name,
});

/** Counts in this process unless `REDIS_URL` is set. Without that setting, loads no Redis client. */
async function createThrottlerStorage(redisUrl: string | undefined, clock: Clock) {
  if (redisUrl === undefined) return new MemoryThrottlerStorage(clock);
  const { RedisThrottlerStorage } = await import('./redis-throttler-storage.js');
  const storage = new RedisThrottlerStorage(redisUrl);
  await storage.assertStandalone();
  return storage;
}

@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      imports: [StorageModule],
      inject: [throttleConfig.KEY, Clock],
      useFactory: async (
        { redisUrl, sendsPerMinute, verifiesPerMinute }: ThrottleConfig,
        clock: Clock,
      ): Promise<ThrottlerModuleOptions> => ({
        storage: await createThrottlerStorage(redisUrl, clock),
        throttlers: [perMinute('send', sendsPerMinute), perMinute('verify', verifiesPerMinute)],
      }),
    }),
  ],
  exports: [ThrottlerModule],
})
export class ThrottlingModule {}
