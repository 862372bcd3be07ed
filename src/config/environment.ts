import Joi from 'joi';
import type { NumberType } from '../common/phone-number.js';
import type { TestNumber } from '../common/test-number.js';
import type { LogLevel, PumpingSettings } from './app-config.js';
import type { ApiKey } from './list-settings.js';
import { missingCredentials, type ProviderEnvironment } from './provider-accounts.js';
import type { SettingGroup } from './setting-kinds.js';
import { ACCESS } from './settings/access.js';
import { DESTINATIONS } from './settings/destinations.js';
import { LIMITS, PUMPING } from './settings/limits.js';
import { PROVIDERS } from './settings/providers.js';
import { RECORDS } from './settings/records.js';
import { SERVICE } from './settings/service.js';

/** The environment after validation: every name of the settings table, with its default. */
export interface Environment extends ProviderEnvironment {
  HOST: string;
  PORT: number;
  METRICS_PORT?: number;
  LOG_LEVEL: LogLevel;
  SHUTDOWN_DELAY: number;
  OTP_TTL: number;
  OTP_MAX_ATTEMPTS: number;
  SEND_COOLDOWN: number;
  SENDS_PER_NUMBER_PER_DAY: number;
  FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: number;
  FAILED_ATTEMPTS_PER_NUMBER_PER_DAY: number;
  CLIENT_SENDS_PER_DAY: number;
  SENDS_PER_END_USER_IP_PER_HOUR: number;
  PUMPING_GUARD: PumpingSettings['mode'];
  PUMPING_FLOOR_PER_HOUR: number;
  PUMPING_FLOOR_PER_DAY: number;
  PUMPING_UNVERIFIED_RATIO: number;
  DATA_DIR: string;
  DATABASE_URL?: string;
  REDIS_URL?: string;
  /** The current secret, then those that are being rotated out. */
  OTP_SECRET?: [string, ...string[]];
  RETENTION: number;
  API_KEYS: ApiKey[];
  TRUST_PROXY?: number | string[];
  CORS_ORIGINS: string[];
  ALLOWED_COUNTRIES?: string[];
  BLOCKED_NUMBER_TYPES: NumberType[];
  TEST_NUMBERS: TestNumber[];
  THROTTLE_SEND_LIMIT: number;
  THROTTLE_VERIFY_LIMIT: number;
  PROVIDER_TIMEOUT: number;
  PROVIDER_MAX_IN_FLIGHT: number;
}

/** Every setting, by what it is about, in the order in which one meets them. */
export const SETTING_GROUPS: readonly SettingGroup[] = [
  SERVICE,
  ACCESS,
  PROVIDERS,
  DESTINATIONS,
  RECORDS,
  LIMITS,
  PUMPING,
];

const settings: Readonly<Record<keyof Environment, Joi.Schema>> = {
  ...SERVICE.settings,
  ...ACCESS.settings,
  ...PROVIDERS.settings,
  ...DESTINATIONS.settings,
  ...RECORDS.settings,
  ...LIMITS.settings,
  ...PUMPING.settings,
};

const environmentSchema = Joi.object<Environment>(settings);

/** The name of every setting. */
export const SETTING_NAMES = Object.keys(settings);

/**
 * Validates a whole environment; a setting that is present but empty counts as absent.
 * @throws Error with one line a fault, naming the setting and never its value.
 */
export function validateEnvironment(variables: NodeJS.ProcessEnv): Environment {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const result = environmentSchema.validate(given, {
    abortEarly: false,
    stripUnknown: true,
    errors: { wrap: { label: false } },
  });
  const faults = [
    ...(result.error?.details ?? []).map(({ message }) => `  - ${message}`),
    ...missingIn(result.value as Partial<Environment>).map((name) => `  - ${name} is required`),
  ];
  if (!result.error && faults.length === 0) return result.value;
  throw new Error(`The settings cannot be used:\n${faults.join('\n')}`);
}

/** What the providers still need, as far as it is clear which they are. */
function missingIn(env: Partial<Environment>): string[] {
  return Array.isArray(env.PROVIDERS) ? missingCredentials(env as Environment) : [];
}
