import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { parseApiKeys } from './api-keys.js';
import { defineConfig, optional, setting } from './define-config.js';
import { flag, parsedBy } from './env-types.js';

export const authConfig = defineConfig(
  'auth',
  'Secrets and API keys',
  {
    /** Empty if `CLIENTS_FILE` has the keys, and outside production also if requests need none. */
    apiKeys: setting(
      'API_KEYS',
      parsedBy(parseApiKeys)
        .when('CLIENTS_FILE', {
          is: Joi.exist(),
          then: Joi.forbidden().default([]),
          break: true,
        })
        .when('NODE_ENV', {
          is: 'production',
          then: Joi.required(),
          otherwise: Joi.any().default([]),
        })
        .messages({
          'any.required': '{#label} is required; npm run keys:new makes a key',
          'any.unknown': '{#label} and CLIENTS_FILE are both set: remove one of them',
        }),
      {
        description: 'API keys of the clients; list several per client to rotate',
        values: '`name:<sha-256 of the key, hex>`, …',
        developmentDefault: 'no key needed on a loopback `HOST` with the sandbox',
        isSecret: true,
      },
    ),
    /** The path of the file. */
    clientsFile: optional<string>('CLIENTS_FILE', Joi.string(), {
      description:
        'file with the API keys and rules of each client, instead of `API_KEYS`; changes take effect without a restart',
      values: 'path of a YAML or JSON file',
      defaultInWords: 'the clients in `API_KEYS`',
      example: '/etc/otp/clients.yaml',
    }),
    allowUnauthenticated: setting(
      'ALLOW_UNAUTHENTICATED',
      flag()
        .when('NODE_ENV', { is: 'production', then: Joi.invalid(true) })
        .messages({
          'any.invalid': '{#label} must not be true in production: remove it and set API_KEYS',
        }),
      {
        description:
          'whether the service may run without API keys on a public `HOST` or with a real provider; not in production',
      },
    ),
  },
  (values) => ({
    ...values,
    /** Whether requests need an API key. */
    needsApiKey: values.apiKeys.length > 0 || values.clientsFile !== undefined,
  }),
);
export type AuthConfig = ConfigType<typeof authConfig>;
