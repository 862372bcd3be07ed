import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { configNamespace, setting } from './config-namespace.js';
import { docs, duration, oneOf } from './env-types.js';

export const serviceConfig = configNamespace(
  'service',
  { title: 'The service' },
  {
    environment: setting(
      'NODE_ENV',
      oneOf('development', 'test', 'production')
        .default('development')
        .description('`production` refuses every convenience of development'),
    ),
    logLevel: setting(
      'LOG_LEVEL',
      oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent')
        .default('info')
        .description('the least that is logged'),
    ),
    // A developer who restarts the service is no load balancer that has to notice first.
    shutdownDelayMs: setting(
      'SHUTDOWN_DELAY',
      duration('5s', ['1ms', '5m'])
        .when('NODE_ENV', { not: 'production', then: Joi.string().default(0) })
        .description(
          'how long after SIGTERM it takes requests, unready, so that balancers see it first',
        )
        .meta(docs({ developmentDefault: 'none' })),
    ),
  },
  ({ environment, logLevel, shutdownDelayMs }) => ({
    /** Refuses the defaults of development. */
    isProduction: environment === 'production',
    logLevel,
    shutdownDelayMs,
  }),
);
export type ServiceConfig = ConfigType<typeof serviceConfig>;
