import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { developmentSecret } from './development-secret.js';
import type { AppConfig } from './app-config.js';
import { validateEnvironment } from './environment.js';
import { accountsOf } from './provider-accounts.js';

/**
 * Reads the settings once, from the environment and from a `.env` in the working folder; where
 * both name a setting, the environment wins.
 * @throws Error naming every fault.
 */
export function loadConfig(): AppConfig {
  return configFrom({ ...dotEnv(), ...process.env });
}

/**
 * As {@link loadConfig}, for a command that hashes and seals nothing: where a developer's machine has
 * no master secret, it makes none, and the one in its settings is of no use.
 * @throws Error naming every fault.
 */
export function loadCommandConfig(): AppConfig {
  return configFrom({ ...dotEnv(), ...process.env }, uselessSecret);
}

/** The settings while the vendor's account is being set up: its ids may still be missing. */
export interface SetupConfig {
  /** Names no application, no message and no secret of use, and one client if there is none yet. */
  readonly config: AppConfig;
  readonly applicationId: string | undefined;
  readonly messageId: string | undefined;
}

/**
 * As {@link loadConfig} with Infobip as the only provider, for making what `INFOBIP_APP_ID` and
 * `INFOBIP_MESSAGE_ID` will name. Needs neither them nor a client nor the master secret, which it
 * neither reads nor makes.
 * @throws Error naming every fault.
 */
export function loadSetupConfig(): SetupConfig {
  return setupConfigFrom({ ...dotEnv(), ...process.env });
}

/** The settings for a set-up that these variables spell. */
export function setupConfigFrom(variables: NodeJS.ProcessEnv): SetupConfig {
  const stillMissing = {
    INFOBIP_APP_ID: 'not-set-yet',
    INFOBIP_MESSAGE_ID: 'not-set-yet',
    // Outside production, none means everybody.
    ...(variables['NODE_ENV'] === 'production' &&
      given(variables['API_KEYS']) === undefined && {
        API_KEYS: `not-set-yet:${'0'.repeat(64)}`,
      }),
  };
  return {
    config: configFrom({
      ...variables,
      ...stillMissing,
      PROVIDERS: 'infobip',
      OTP_SECRET: uselessSecret(),
    }),
    applicationId: given(variables['INFOBIP_APP_ID']),
    messageId: given(variables['INFOBIP_MESSAGE_ID']),
  };
}

/** A setting that is present but empty counts as absent. */
const given = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

const uselessSecret = (): string => randomBytes(32).toString('hex');

/**
 * The settings that these variables spell.
 * @param secretIn the master secret of a developer's machine that names none, by its `DATA_DIR`.
 */
export function configFrom(
  variables: NodeJS.ProcessEnv,
  secretIn: (dataDir: string) => string = developmentSecret,
): AppConfig {
  const env = validateEnvironment(variables);
  const config: AppConfig = {
    production: env.NODE_ENV === 'production',
    logLevel: env.LOG_LEVEL,
    http: {
      host: env.HOST,
      port: env.PORT,
      metricsPort: env.METRICS_PORT,
      trustProxy: env.TRUST_PROXY,
      corsOrigins: env.CORS_ORIGINS,
    },
    apiKeys: env.API_KEYS,
    destinations: {
      allowedCountries: env.ALLOWED_COUNTRIES,
      blockedTypes: env.BLOCKED_NUMBER_TYPES,
      testNumbers: env.TEST_NUMBERS,
    },
    shutdownDelayMs: env.SHUTDOWN_DELAY,
    otp: {
      ttlMs: env.OTP_TTL,
      maxAttempts: env.OTP_MAX_ATTEMPTS,
      sendCooldownMs: env.SEND_COOLDOWN,
    },
    perNumber: {
      sendsPerDay: env.SENDS_PER_NUMBER_PER_DAY,
      failuresPerHour: env.FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR,
      failuresPerDay: env.FAILED_ATTEMPTS_PER_NUMBER_PER_DAY,
    },
    perClient: { sendsPerDay: env.CLIENT_SENDS_PER_DAY },
    perEndUser: { sendsPerHour: env.SENDS_PER_END_USER_IP_PER_HOUR },
    pumping: {
      mode: env.PUMPING_GUARD,
      floorPerHour: env.PUMPING_FLOOR_PER_HOUR,
      floorPerDay: env.PUMPING_FLOOR_PER_DAY,
      unverifiedRatio: env.PUMPING_UNVERIFIED_RATIO,
    },
    storage: {
      databaseUrl: env.DATABASE_URL,
      dataDir: env.DATA_DIR,
      retentionMs: env.RETENTION,
    },
    redisUrl: env.REDIS_URL,
    secrets: env.OTP_SECRET ?? [secretIn(env.DATA_DIR)],
    throttle: {
      sendsPerMinute: env.THROTTLE_SEND_LIMIT,
      verifiesPerMinute: env.THROTTLE_VERIFY_LIMIT,
    },
    providerTimeoutMs: env.PROVIDER_TIMEOUT,
    sendDeadlineMs: env.PROVIDER_TIMEOUT * env.PROVIDERS.length,
    providerMaxInFlight: env.PROVIDER_MAX_IN_FLIGHT,
    ...accountsOf(env),
  };
  Object.values(config).forEach((part: unknown) => Object.freeze(part));
  return Object.freeze(config);
}

function dotEnv(): NodeJS.ProcessEnv {
  try {
    return parseEnv(readFileSync('.env', 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
