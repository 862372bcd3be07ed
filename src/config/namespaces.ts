import { authConfig } from './auth.config.js';
import { destinationsConfig } from './destinations.config.js';
import { encryptionConfig } from './encryption.config.js';
import { httpConfig } from './http.config.js';
import { limitsConfig } from './limits.config.js';
import { otpConfig } from './otp.config.js';
import { providersConfig } from './providers.config.js';
import { pumpingConfig } from './pumping.config.js';
import { serviceConfig } from './service.config.js';
import { storageConfig } from './storage.config.js';
import { throttleConfig } from './throttle.config.js';

/** Every namespace, in the order of the documents. */
export const NAMESPACES = [
  serviceConfig,
  httpConfig,
  encryptionConfig,
  authConfig,
  providersConfig,
  destinationsConfig,
  storageConfig,
  otpConfig,
  limitsConfig,
  throttleConfig,
  pumpingConfig,
] as const;

/** Every setting of every namespace. */
export const SETTINGS = NAMESPACES.flatMap(({ settings }) => settings);

/** The name of every setting. */
export const SETTING_NAMES: readonly string[] = SETTINGS.map(({ name }) => name);
