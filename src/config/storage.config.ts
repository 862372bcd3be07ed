import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { parse as parsePostgresUrl } from 'pg-connection-string';
import { defineConfig, optional, setting } from './define-config.js';
import { databaseUrl, duration } from './env-types.js';

const DATABASE_URL_FORM =
  '{#label} must look like postgres://user:password@host:5432/database. ' +
  'Several hosts are not supported: give one address that leads to the primary, also after a failover';

/** Several hosts as libpq accepts them, in the authority of the URL or as a parameter. */
const HOST_LIST = /^[^/]*\/\/([^/?#]*@)?[^/?#@]*,[^/?#@]*([/?#]|$)|[?&]host=[^&]*(,|%2c)/i;

export const storageConfig = defineConfig('storage', 'Storage', {
  dataDir: setting('DATA_DIR', Joi.string().default('./data'), {
    description:
      'directory of the SQLite file; outside production also of a generated `OTP_SECRET`',
    values: 'directory',
  }),
  databaseUrl: optional(
    'DATABASE_URL',
    databaseUrl(['postgres', 'postgresql'], parsePostgresUrl)
      .pattern(HOST_LIST, { invert: true })
      .messages({
        'string.pattern.invert.base': DATABASE_URL_FORM,
        // Several hosts with ports already fail Joi's rule for a URI.
        'string.uriCustomScheme': DATABASE_URL_FORM,
      }),
    {
      description: 'URL of PostgreSQL, which several replicas can share',
      values: '`postgres://…`',
      defaultInWords: 'SQLite',
      example: 'postgres://user:password@host:5432/otp?sslmode=verify-full',
      isSecret: true,
    },
  ),
  retentionMs: setting('RETENTION', duration('30d', '1d', '3650d'), {
    description: 'time after which finished verifications are deleted',
  }),
});
export type StorageConfig = ConfigType<typeof storageConfig>;
