import type { DynamicModule } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';
import { authConfig } from './auth.config.js';
import type { Environment } from './define-config.js';
import { destinationsConfig } from './destinations.config.js';
import { encryptionConfig } from './encryption.config.js';
import { httpConfig } from './http.config.js';
import { limitsConfig } from './limits.config.js';
import { otpConfig } from './otp.config.js';
import { outboundConfig } from './outbound.config.js';
import { proofConfig } from './proof.config.js';
import { providersConfig } from './providers.config.js';
import { pumpingConfig } from './pumping.config.js';
import { reportsConfig } from './reports.config.js';
import { serviceConfig } from './service.config.js';
import { storageConfig } from './storage.config.js';
import { throttleConfig } from './throttle.config.js';
import { tracingConfig } from './tracing.config.js';
import { webhooksConfig } from './webhooks.config.js';

/** The configuration of every namespace, in the order of docs/configuration.md. */
export const CONFIGS = [
  serviceConfig,
  httpConfig,
  encryptionConfig,
  authConfig,
  providersConfig,
  reportsConfig,
  outboundConfig,
  destinationsConfig,
  storageConfig,
  otpConfig,
  limitsConfig,
  throttleConfig,
  pumpingConfig,
  proofConfig,
  webhooksConfig,
  tracingConfig,
] as const;

/** Every setting of every namespace. */
export const SETTINGS = CONFIGS.flatMap(({ settings }) => settings);
export const SETTING_NAMES: readonly string[] = SETTINGS.map(({ name }) => name);
/** The settings that can also be given as a file. */
export const SECRET_NAMES: readonly string[] = SETTINGS.filter(({ docs }) => docs.isSecret).map(
  ({ name }) => name,
);

/**
 * The configuration of one application, as a global module. `env` is validated already. Nest's own
 * validation is not used: `validationSchema` rejects empty values, `validate` writes to process.env.
 */
export const configModule = (env: Environment): Promise<DynamicModule> =>
  ConfigModule.forRoot({
    isGlobal: true,
    cache: true,
    skipProcessEnv: true,
    ignoreEnvFile: true,
    validatePredefined: false,
    load: CONFIGS.map((readConfig) => {
      const config = readConfig(env);
      return registerAs(readConfig.namespace, () => config);
    }),
  });
