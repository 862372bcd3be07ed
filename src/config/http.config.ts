import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { authConfig } from './auth.config.js';
import { defineConfig, optional, setting, type Environment } from './define-config.js';
import { flag, parsedBy } from './env-types.js';
import { parseOrigins, parseTrustProxy } from './list-parsers.js';

/**
 * For `localhost`, Fastify would start a second server on `::1`. That server would have none of the
 * handlers that this service adds to the first, such as those for malformed HTTP.
 */
const listenHost = () =>
  Joi.string()
    .hostname()
    .replace(/^localhost$/i, '127.0.0.1')
    .default('127.0.0.1');

export const httpConfig = defineConfig('http', 'HTTP', {
  host: setting('HOST', listenHost(), {
    description: 'address to listen on; `localhost` is `127.0.0.1`',
    values: 'address or host name',
  }),
  port: setting('PORT', Joi.number().port().default(3000), { description: 'port to listen on' }),
  metricsPort: optional(
    'METRICS_PORT',
    Joi.number()
      .port()
      .min(1)
      .invalid(Joi.ref('PORT'))
      .messages({ 'any.invalid': '{#label} must be a port other than PORT' }),
    {
      description: 'separate port for the metrics, so that clients cannot read them',
      defaultInWords: '`/metrics` on `PORT`',
      example: '9464',
    },
  ),
  metricsClient: optional<string>('METRICS_CLIENT', Joi.string(), {
    description: 'client whose API keys may read `/metrics` on `PORT`',
    values: 'name of a client',
    defaultInWords: 'no client',
  }),
  metricsPublic: setting('METRICS_PUBLIC', flag(), {
    description: 'whether everyone may read `/metrics` on `PORT`, without an API key',
  }),
  trustProxy: optional('TRUST_PROXY', parsedBy(parseTrustProxy), {
    description: 'proxies whose `X-Forwarded-For` is trusted',
    values: 'number of hops, or networks',
    defaultInWords: 'no proxy',
    example: '10.0.0.0/8',
  }),
  corsOrigins: setting('CORS_ORIGINS', parsedBy(parseOrigins).default([]), {
    description: 'web origins that may call the API from a browser',
    values: 'origins',
    defaultInWords: 'no origin',
    example: 'https://app.example.com',
  }),
});
export type HttpConfig = ConfigType<typeof httpConfig>;

/**
 * The error if `METRICS_CLIENT` names no client in `API_KEYS`. Call it only if `API_KEYS` is valid.
 */
export function findMetricsClientErrors(env: Environment): string[] {
  const { metricsClient } = httpConfig(env);
  const { apiKeys, clientsFile } = authConfig(env);
  // A client may be added to CLIENTS_FILE later.
  if (metricsClient === undefined || clientsFile !== undefined) return [];
  if (apiKeys.some(({ client }) => client === metricsClient)) return [];
  return ['METRICS_CLIENT must be the name of a client in API_KEYS'];
}
