import type { ConfigType } from '@nestjs/config';
import { defineConfig, optional, setting } from './define-config.js';
import { databaseUrl, positiveInt } from './env-types.js';

const NOT_A_SERVER =
  '{#label} must look like redis://user:password@host:port/0, or rediss:// for TLS. ' +
  'Redis Cluster and Sentinel are not supported: give the address of a single server';

export const throttleConfig = defineConfig('throttle', 'Rate limits', {
  sendsPerMinute: setting('THROTTLE_SEND_LIMIT', positiveInt(60, 1_000_000), {
    description:
      'sends and resends per minute for one client, or for one IP address if no API keys are configured',
  }),
  verifiesPerMinute: setting('THROTTLE_VERIFY_LIMIT', positiveInt(300, 1_000_000), {
    description:
      'verifies and other requests per minute for one client, or for one IP address if no API keys are configured',
  }),
  redisUrl: optional(
    'REDIS_URL',
    // ioredis decodes the user and the password, and throws if it cannot.
    databaseUrl(['redis', 'rediss'], (url) => decodeURIComponent(new URL(url).href))
      // No query string: ioredis would read options from it, such as commandTimeout=0.
      .pattern(/^rediss?:\/\/([^/?#@]*@)?[^/?#@,]+(\/\d*)?$/)
      .messages({
        'string.pattern.base': NOT_A_SERVER,
        // Several hosts, or a scheme such as redis+sentinel.
        'string.uriCustomScheme': NOT_A_SERVER,
      }),
    {
      description: 'URL of Redis, which counts the requests of all replicas together',
      values: '`redis://…`, `rediss://…`',
      defaultInWords: 'each replica counts its own requests',
      example: 'redis://host:6379',
      isSecret: true,
    },
  ),
});
export type ThrottleConfig = ConfigType<typeof throttleConfig>;
