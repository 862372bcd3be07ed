import type { ConfigType } from '@nestjs/config';
import { configNamespace, optional, setting } from './config-namespace.js';
import { databaseUrl, docs, positiveInt } from './env-types.js';

/** Decodes the whole URL, as the Redis client does. */
const parseRedisUrl = (url: string): unknown => decodeURIComponent(new URL(url).href);

export const throttleConfig = configNamespace(
  'throttle',
  { title: 'Codes and limits' },
  {
    sendsPerMinute: setting(
      'THROTTLE_SEND_LIMIT',
      positiveInt(60, 1_000_000).description(
        'sends and resends a minute by one client, or from one address where no key is asked for',
      ),
    ),
    verifiesPerMinute: setting(
      'THROTTLE_VERIFY_LIMIT',
      positiveInt(300, 1_000_000).description('verifies and all other requests a minute, likewise'),
    ),
    // No query: it could switch off the client's time-outs.
    redisUrl: optional(
      'REDIS_URL',
      databaseUrl(['redis', 'rediss'], parseRedisUrl)
        .pattern(/^rediss?:\/\/[^/?#]+(\/\d*)?$/)
        .messages({
          'string.pattern.base': '{#label} must look like redis://user:password@host:port/0',
        })
        .example('redis://host:6379')
        .description('requests a minute, counted for the whole fleet')
        .meta(docs({ values: '`redis://…`, `rediss://…`', whenUnset: 'in the process' })),
    ),
  },
);
export type ThrottleConfig = ConfigType<typeof throttleConfig>;
