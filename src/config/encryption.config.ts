import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, optional, type Environment } from './define-config.js';
import { findSecretFileErrors, getDevelopmentSecret } from './development-secret.js';
import { secrets } from './env-types.js';
import { serviceConfig } from './service.config.js';
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
          'secret for the encryption and hashes of stored personal data; to rotate, list the new secret before the old one',
        developmentDefault: 'created in `DATA_DIR`',
        isSecret: true,
      },
    ),
  },
  ({ secrets }, env) => ({
    /** The first one encrypts, the others only decrypt. */
    secrets: secrets ?? ([getDevelopmentSecret(storageConfig(env).dataDir)] as const),
  }),
);

/** The errors of the secret file in `DATA_DIR`, if it is used because `OTP_SECRET` is not set. */
export function findDevelopmentSecretErrors(env: Environment): string[] {
  const isNeeded = !serviceConfig(env).isProduction && env.values['OTP_SECRET'] === undefined;
  return isNeeded ? findSecretFileErrors(storageConfig(env).dataDir) : [];
}
export type EncryptionConfig = ConfigType<typeof encryptionConfig>;
