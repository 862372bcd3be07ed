import { Module, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ThrottlerModule, type ThrottlerModuleOptions } from '@nestjs/throttler';
import { minutes } from '../common/durations.js';
import { AppConfig } from '../config/app-config.js';
import { LIMIT_NAME, type LimitName } from './limited.decorator.js';

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
      inject: [AppConfig],
      useFactory: ({ throttle }: AppConfig): ThrottlerModuleOptions => ({
        setHeaders: false,
        throttlers: [
          perMinute('send', throttle.sendsPerMinute),
          perMinute('verify', throttle.verifiesPerMinute),
        ],
      }),
    }),
  ],
  exports: [ThrottlerModule],
})
export class ThrottlingModule {}
