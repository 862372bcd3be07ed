import Joi from 'joi';
import { hours, minutes, parseDuration, seconds } from '../common/durations.js';
import type { NumberType } from '../common/phone-number.js';
import type { TestNumber } from '../common/test-number.js';
import type { LogLevel, PumpingSettings } from './app-config.js';
import {
  readApiKeys,
  readCountries,
  readNumberTypes,
  readOrigins,
  readProviders,
  readProxies,
  readTestNumbers,
  type ApiKey,
} from './list-settings.js';
import { LOOPBACK_URL, missingCredentials, type ProviderEnvironment } from './provider-accounts.js';

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

/** 256 bits: the strength of the keys that are derived from it. */
const LEAST_SECRET_BYTES = 32;

/** A span of time such as `30s`, read as milliseconds. */
function duration(fallback: string, range: { least: number; most: number; rule: string }) {
  return Joi.string()
    .default(parseDuration(fallback))
    .custom((text: string) => {
      const ms = parseDuration(text);
      if (ms === undefined)
        throw new Error('must be a duration such as 250ms, 30s, 5m, 24h or 30d');
      if (ms < range.least || ms > range.most) throw new Error(`must be ${range.rule}`);
      return ms;
    })
    .messages({ 'any.custom': '{#label} {#error.message}' });
}

/** A list with entries of one kind, read as a whole. */
const list = (read: (text: string) => unknown) =>
  Joi.string().custom(read).messages({ 'any.custom': '{#label} {#error.message}' });

/** A number whose code is known beforehand is a way in: in production each has to end. */
function readEndingTestNumbers(text: string): TestNumber[] {
  const testNumbers = readTestNumbers(text);
  if (testNumbers.some(({ endsAt }) => endsAt === undefined)) {
    throw new Error(
      'must each have a last day in production, as in +15550001111:123456@2026-12-31',
    );
  }
  return testNumbers;
}

const count = (fallback: number, most: number) =>
  Joi.number().integer().min(1).max(most).default(fallback);

/** Where a provider listens, without a trailing slash. */
const baseUrl = Joi.string()
  .uri({ scheme: ['https', 'http'] })
  .custom((url: string) => {
    if (!url.startsWith('https:') && !LOOPBACK_URL.test(url)) {
      throw new Error('must be an https URL (http is taken for a loopback address only)');
    }
    return url.replace(/\/+$/, '');
  })
  .messages({ 'any.custom': '{#label} {#error.message}' });

const settings: Joi.PartialSchemaMap<Environment> = {
  NODE_ENV: Joi.string().valid('development', 'test', 'production').default('development'),
  HOST: Joi.string().hostname().default('127.0.0.1'),
  PORT: Joi.number().port().default(3000),
  METRICS_PORT: Joi.number().port().min(1),
  LOG_LEVEL: Joi.string()
    .valid('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent')
    .default('info'),
  // A developer who restarts the service is no load balancer that has to notice first.
  SHUTDOWN_DELAY: duration('5s', { least: 1, most: minutes(5), rule: '1ms to 5m' }).when(
    'NODE_ENV',
    { not: 'production', then: Joi.string().default(0) },
  ),
  // NIST SP 800-63B: a secret sent out of band lives at most 10 minutes (§5.1.3.2), and guesses at
  // it are limited (§5.2.2).
  OTP_TTL: duration('5m', { least: seconds(1), most: minutes(10), rule: '1s to 10m' }),
  OTP_MAX_ATTEMPTS: count(5, 10),
  SEND_COOLDOWN: duration('30s', { least: seconds(1), most: minutes(60), rule: '1s to 60m' }),
  SENDS_PER_NUMBER_PER_DAY: count(10, 1_000),
  FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: count(10, 1_000),
  FAILED_ATTEMPTS_PER_NUMBER_PER_DAY: count(20, 1_000),
  CLIENT_SENDS_PER_DAY: count(100_000, 100_000_000),
  SENDS_PER_END_USER_IP_PER_HOUR: count(20, 1_000),
  PUMPING_GUARD: Joi.string().valid('enforce', 'observe', 'off').default('enforce'),
  PUMPING_FLOOR_PER_HOUR: count(10, 1_000_000),
  PUMPING_FLOOR_PER_DAY: count(30, 1_000_000),
  PUMPING_UNVERIFIED_RATIO: Joi.number().min(0).max(100).default(0.8),
  DATA_DIR: Joi.string().default('./data'),
  DATABASE_URL: Joi.string().uri({ scheme: ['postgres', 'postgresql'] }),
  // No query: it could switch off the client's time-outs.
  REDIS_URL: Joi.string()
    .uri({ scheme: ['redis', 'rediss'] })
    .pattern(/^rediss?:\/\/[^/?#]+(\/\d*)?$/)
    .messages({
      'string.pattern.base': '{#label} must look like redis://user:password@host:port/0',
    }),
  OTP_SECRET: Joi.string()
    .custom((text: string) => {
      const secrets = text.split(',').map((secret) => secret.trim());
      if (secrets.some((secret) => Buffer.byteLength(secret) < LEAST_SECRET_BYTES)) {
        throw new Error(`must be at least ${String(LEAST_SECRET_BYTES)} bytes, each if several`);
      }
      return secrets;
    })
    .messages({ 'any.custom': '{#label} {#error.message}' })
    .when('NODE_ENV', { is: 'production', then: Joi.required() }),
  RETENTION: duration('30d', { least: hours(24), most: hours(24 * 3650), rule: '1d to 3650d' }),
  API_KEYS: list(readApiKeys).when('NODE_ENV', {
    is: 'production',
    then: Joi.required(),
    otherwise: Joi.string().default([]),
  }),
  TRUST_PROXY: list(readProxies),
  CORS_ORIGINS: list(readOrigins).default([]),
  ALLOWED_COUNTRIES: list(readCountries),
  BLOCKED_NUMBER_TYPES: list(readNumberTypes).default([
    'PREMIUM_RATE',
    'SHARED_COST',
    'UAN',
    'PAGER',
    'VOICEMAIL',
  ]),
  TEST_NUMBERS: Joi.when('NODE_ENV', {
    is: 'production',
    then: list(readEndingTestNumbers).default([]),
    otherwise: list(readTestNumbers).default([]),
  }),
  THROTTLE_SEND_LIMIT: count(60, 1_000_000),
  THROTTLE_VERIFY_LIMIT: count(300, 1_000_000),
  PROVIDER_TIMEOUT: duration('5s', { least: 1, most: seconds(60), rule: '1ms to 60s' }),
  PROVIDER_MAX_IN_FLIGHT: count(200, 100_000),
  PROVIDERS: list(readProviders).default(['infobip']),
  INFOBIP_BASE_URL: baseUrl,
  INFOBIP_API_KEY: Joi.string(),
  INFOBIP_APP_ID: Joi.string(),
  INFOBIP_MESSAGE_ID: Joi.string(),
  SINCH_BASE_URL: baseUrl,
  SINCH_APPLICATION_KEY: Joi.string(),
  SINCH_APPLICATION_SECRET: Joi.string().base64({ paddingRequired: false }),
  SANDBOX_PORT: Joi.number().port().min(1).default(3999),
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
