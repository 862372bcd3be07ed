import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, setting } from './define-config.js';
import { duration, oneOf } from './env-types.js';

export const serviceConfig = defineConfig(
  'service',
  'Service',
  {
    environment: setting(
      'NODE_ENV',
      oneOf('development', 'test', 'production').default('development'),
      { description: 'environment; `production` disables the development defaults' },
    ),
    logLevel: setting(
      'LOG_LEVEL',
      oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').default('info'),
      { description: 'lowest level of log messages' },
    ),
    // No load balancer has to notice the restart of a developer's service.
    shutdownDelayMs: setting(
      'SHUTDOWN_DELAY',
      duration('5s', '1ms', '5m').when('NODE_ENV', {
        not: 'production',
        then: Joi.any().default(0),
      }),
      {
        description:
          'time after SIGTERM during which requests are still accepted while readiness reports 503',
        developmentDefault: 'no delay',
      },
    ),
  },
  ({ environment, logLevel, shutdownDelayMs }) => ({
    isProduction: environment === 'production',
    isDevelopment: environment === 'development',
    logLevel,
    shutdownDelayMs,
  }),
);
export type ServiceConfig = ConfigType<typeof serviceConfig>;
