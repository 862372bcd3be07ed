import Joi from 'joi';
import { parse as parsePostgresUrl } from 'pg-connection-string';
import { databaseUrl, duration, meta, type SettingGroup } from '../setting-kinds.js';

/** As Redis' client does: its names are decoded whole. */
const readRedisUrl = (url: string): unknown => decodeURIComponent(new URL(url).href);

export const RECORDS = {
  title: 'Records and counters',
  settings: {
    DATA_DIR: Joi.string()
      .default('./data')
      .description('folder of the SQLite file')
      .meta(meta({ values: 'folder' })),
    DATABASE_URL: databaseUrl(['postgres', 'postgresql'], parsePostgresUrl)
      .example('postgres://user:password@host:5432/otp?sslmode=verify-full')
      .description('the PostgreSQL of a fleet')
      .meta(meta({ values: '`postgres://…`', unset: 'SQLite' })),
    // No query: it could switch off the client's time-outs.
    REDIS_URL: databaseUrl(['redis', 'rediss'], readRedisUrl)
      .pattern(/^rediss?:\/\/[^/?#]+(\/\d*)?$/)
      .messages({
        'string.pattern.base': '{#label} must look like redis://user:password@host:port/0',
      })
      .example('redis://host:6379')
      .description('requests a minute, counted for the whole fleet')
      .meta(meta({ values: '`redis://…`, `rediss://…`', unset: 'in the process' })),
    RETENTION: duration('30d', ['1d', '3650d']).description(
      'finished verifications are deleted after this',
    ),
  },
} satisfies SettingGroup;
