import Joi from 'joi';
import { readApiKeys, readOrigins, readProxies } from '../list-settings.js';
import { list, meta, secrets, type SettingGroup } from '../setting-kinds.js';

export const ACCESS = {
  title: 'Secrets and callers',
  about:
    'Production has to name both `OTP_SECRET` and `API_KEYS`; `npm run keys:new -- NAME` makes a key and its entry.',
  settings: {
    OTP_SECRET: secrets()
      .when('NODE_ENV', { is: 'production', then: Joi.required() })
      .description('master secret; to rotate it, list the new one before the old one')
      .meta(meta({ development: 'made in `DATA_DIR`' })),
    API_KEYS: list(readApiKeys)
      .when('NODE_ENV', {
        is: 'production',
        then: Joi.required(),
        otherwise: Joi.string().default([]),
      })
      .description('who may call, and by which keys; several a client for rotation')
      .meta(meta({ values: '`name:<sha-256 of the key, hex>`, …', development: 'everybody' })),
    TRUST_PROXY: list(readProxies)
      .example('10.0.0.0/8')
      .description('whose `X-Forwarded-For` is believed')
      .meta(meta({ values: 'number of hops, or networks', unset: 'nobody' })),
    CORS_ORIGINS: list(readOrigins)
      .default([])
      .example('https://app.example.com')
      .description('origins whose pages may call')
      .meta(meta({ values: 'origins', unset: 'none' })),
  },
} satisfies SettingGroup;
