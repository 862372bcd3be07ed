import { Module, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ThrottlerModule, type ThrottlerModuleOptions } from '@nestjs/throttler';
import { Clock } from '../common/clock.js';
import { minutes } from '../common/durations.js';
import { AppConfig } from '../config/app-config.js';
import { StorageModule } from '../storage/storage.module.js';
import { CountersProbe } from './counters-probe.js';
import { LIMIT_NAME, type LimitName } from './limited.decorator.js';
import { MemoryThrottlerStorage } from './memory-throttler-storage.js';
import { createRedis } from './redis-connection.js';
import { RedisThrottlerStorage } from './redis-throttler-storage.js';

const reflector = new Reflector();

/** A limit a minute that counts only the routes marked with its name. */
const perMinute = (name: LimitName, limit: number) => ({
  name,
  limit,
  ttl: minutes(1),
  skipIf: (context: ExecutionContext) => reflector.get(LIMIT_NAME, context.getHandler()) !== name,
});

@Module({
  imports: [
    ThrottlerModule.forRootAsync({
      imports: [StorageModule],
      inject: [AppConfig, Clock],
      useFactory: ({ throttle, redisUrl }: AppConfig, clock: Clock): ThrottlerModuleOptions => ({
        setHeaders: false,
        storage:
          redisUrl === undefined
            ? new MemoryThrottlerStorage(clock)
            : new RedisThrottlerStorage(createRedis(redisUrl)),
        throttlers: [
          perMinute('send', throttle.sendsPerMinute),
          perMinute('verify', throttle.verifiesPerMinute),
        ],
      }),
    }),
  ],
  providers: [CountersProbe],
  exports: [ThrottlerModule, CountersProbe],
})
export class ThrottlingModule {}
