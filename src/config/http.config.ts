import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { configNamespace, optional, setting } from './config-namespace.js';
import { docs, parsed } from './env-types.js';
import { parseOrigins, parseTrustProxy } from './list-parsers.js';

export const httpConfig = configNamespace(
  'http',
  { title: 'The service' },
  {
    host: setting(
      'HOST',
      Joi.string()
        .hostname()
        .default('127.0.0.1')
        .description('address to listen on')
        .meta(docs({ values: 'address or host name' })),
    ),
    port: setting('PORT', Joi.number().port().default(3000).description('port to listen on')),
    metricsPort: optional(
      'METRICS_PORT',
      Joi.number()
        .port()
        .min(1)
        .invalid(Joi.ref('PORT'))
        .messages({ 'any.invalid': '{#label} must be another than PORT' })
        .example('9464')
        .description('port for the metrics alone, so that callers cannot see them')
        .meta(docs({ whenUnset: '`/metrics` on `PORT`' })),
    ),
    trustProxy: optional(
      'TRUST_PROXY',
      parsed(parseTrustProxy)
        .example('10.0.0.0/8')
        .description('whose `X-Forwarded-For` is believed')
        .meta(docs({ values: 'number of hops, or networks', whenUnset: 'nobody' })),
    ),
    corsOrigins: setting(
      'CORS_ORIGINS',
      parsed(parseOrigins)
        .default([])
        .example('https://app.example.com')
        .description('origins whose pages may call')
        .meta(docs({ values: 'origins', whenUnset: 'none' })),
    ),
  },
);
export type HttpConfig = ConfigType<typeof httpConfig>;
