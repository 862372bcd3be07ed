import Joi from 'joi';
import { duration, meta, type SettingGroup } from '../setting-kinds.js';

export const SERVICE = {
  title: 'The service',
  settings: {
    NODE_ENV: Joi.string()
      .valid('development', 'test', 'production')
      .default('development')
      .description('`production` refuses every convenience of development'),
    HOST: Joi.string()
      .hostname()
      .default('127.0.0.1')
      .description('address to listen on')
      .meta(meta({ values: 'address or host name' })),
    PORT: Joi.number().port().default(3000).description('port to listen on'),
    METRICS_PORT: Joi.number()
      .port()
      .min(1)
      .invalid(Joi.ref('PORT'))
      .messages({ 'any.invalid': '{#label} must be another than PORT' })
      .example('9464')
      .description('port for the metrics alone, so that callers cannot see them')
      .meta(meta({ unset: '`/metrics` on `PORT`' })),
    LOG_LEVEL: Joi.string()
      .valid('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent')
      .default('info')
      .description('the least that is logged'),
    // A developer who restarts the service is no load balancer that has to notice first.
    SHUTDOWN_DELAY: duration('5s', ['1ms', '5m'])
      .when('NODE_ENV', { not: 'production', then: Joi.string().default(0) })
      .description(
        'how long after SIGTERM it takes requests, unready, so that balancers see it first',
      )
      .meta(meta({ development: 'none' })),
  },
} satisfies SettingGroup;
