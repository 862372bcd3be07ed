import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { parse as parsePostgresUrl } from 'pg-connection-string';
import { configNamespace, optional, setting } from './config-namespace.js';
import { databaseUrl, docs, duration } from './env-types.js';

export const storageConfig = configNamespace(
  'storage',
  { title: 'Records and counters' },
  {
    dataDir: setting(
      'DATA_DIR',
      Joi.string()
        .default('./data')
        .description('folder of the SQLite file')
        .meta(docs({ values: 'folder' })),
    ),
    databaseUrl: optional(
      'DATABASE_URL',
      databaseUrl(['postgres', 'postgresql'], parsePostgresUrl)
        .example('postgres://user:password@host:5432/otp?sslmode=verify-full')
        .description('the PostgreSQL of a fleet')
        .meta(docs({ values: '`postgres://…`', whenUnset: 'SQLite' })),
    ),
    retentionMs: setting(
      'RETENTION',
      duration('30d', ['1d', '3650d']).description('finished verifications are deleted after this'),
    ),
  },
);
export type StorageConfig = ConfigType<typeof storageConfig>;
