import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { configNamespace, setting } from './config-namespace.js';
import { docs, parsed } from './env-types.js';
import { parseApiKeys } from './list-parsers.js';

export const authConfig = configNamespace(
  'auth',
  { title: 'Secrets and callers' },
  {
    /** None means that everybody may call, which production refuses. */
    apiKeys: setting(
      'API_KEYS',
      parsed(parseApiKeys)
        .when('NODE_ENV', {
          is: 'production',
          then: Joi.required(),
          otherwise: Joi.string().default([]),
        })
        .description('who may call, and by which keys; several a client for rotation')
        .meta(
          docs({ values: '`name:<sha-256 of the key, hex>`, …', developmentDefault: 'everybody' }),
        ),
    ),
  },
);
export type AuthConfig = ConfigType<typeof authConfig>;
