import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { configNamespace, optional } from './config-namespace.js';
import { developmentSecret } from './development-secret.js';
import { docs, secrets } from './env-types.js';
import { storageConfig } from './storage.config.js';

export const encryptionConfig = configNamespace(
  'encryption',
  {
    title: 'Secrets and callers',
    intro:
      'Production has to name both `OTP_SECRET` and `API_KEYS`; `npm run keys:new -- NAME` makes a key and its entry.',
  },
  {
    secrets: optional(
      'OTP_SECRET',
      secrets()
        .when('NODE_ENV', { is: 'production', then: Joi.required() })
        .description('master secret; to rotate it, list the new one before the old one')
        .meta(docs({ developmentDefault: 'made in `DATA_DIR`' })),
    ),
  },
  ({ secrets }, env) => ({
    /** The first one encrypts, the others only decrypt. */
    secrets: secrets ?? ([developmentSecret(storageConfig(env).dataDir)] as const),
  }),
);
export type EncryptionConfig = ConfigType<typeof encryptionConfig>;
