import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, optional } from './define-config.js';
import { getDevelopmentSecret } from './development-secret.js';
import { secrets } from './env-types.js';
import { storageConfig } from './storage.config.js';

export const encryptionConfig = defineConfig(
  'encryption',
  'Secrets and API keys',
  {
    secrets: optional(
      'OTP_SECRET',
      secrets().when('NODE_ENV', { is: 'production', then: Joi.required() }),
      {
        description:
          'secret that encrypts the stored numbers; to rotate, list the new one before the old one',
        developmentDefault: 'created in `DATA_DIR`',
      },
    ),
  },
  ({ secrets }, env) => ({
    /** The first one encrypts, the others only decrypt. */
    secrets: secrets ?? ([getDevelopmentSecret(storageConfig(env).dataDir)] as const),
  }),
);
export type EncryptionConfig = ConfigType<typeof encryptionConfig>;
