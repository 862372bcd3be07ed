import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, setting } from './define-config.js';
import { flag, parsedBy } from './env-types.js';
import { parseApiKeys } from './list-parsers.js';

export const authConfig = defineConfig('auth', 'Secrets and API keys', {
  /** Empty means that no key is needed, which production rejects. */
  apiKeys: setting(
    'API_KEYS',
    parsedBy(parseApiKeys)
      .when('NODE_ENV', {
        is: 'production',
        then: Joi.required(),
        otherwise: Joi.any().default([]),
      })
      .messages({ 'any.required': '{#label} is required; npm run keys:new makes a key' }),
    {
      description: 'API keys of the clients; list several per client to rotate',
      values: '`name:<sha-256 of the key, hex>`, …',
      developmentDefault: 'no key needed on a loopback `HOST` with the sandbox',
      isSecret: true,
    },
  ),
  allowUnauthenticated: setting(
    'ALLOW_UNAUTHENTICATED',
    flag()
      .when('NODE_ENV', { is: 'production', then: Joi.invalid(true) })
      .messages({
        'any.invalid': '{#label} must not be true in production: remove it and set API_KEYS',
      }),
    {
      description:
        'whether the service may run without `API_KEYS` on any `HOST` and with a real provider; not in production',
    },
  ),
});
export type AuthConfig = ConfigType<typeof authConfig>;
