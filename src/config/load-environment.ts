import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Environment } from './config-namespace.js';
import { parseEnvironment } from './environment.js';

/**
 * Reads the settings from the environment and from `.env` in the working directory; the environment
 * wins.
 * @throws Error with every invalid setting.
 */
export const loadEnvironment = (): Environment => parseEnvironment(readVariables());

/**
 * As {@link loadEnvironment}, for a command that encrypts nothing: without `OTP_SECRET` outside
 * production it creates no secret in `DATA_DIR`.
 * @throws Error with every invalid setting.
 */
export function loadCommandEnvironment(): Environment {
  const variables = readVariables();
  const needsSecret = variables['NODE_ENV'] !== 'production' && !variables['OTP_SECRET'];
  return parseEnvironment({ ...variables, ...(needsSecret && { OTP_SECRET: throwawaySecret() }) });
}

/** The settings for `infobip:setup`, which makes the ids that the service needs. */
export interface SetupEnvironment {
  /** Has placeholders for the ids, for the secret, and in production for absent API keys. */
  readonly env: Environment;
  readonly applicationId: string | undefined;
  readonly messageId: string | undefined;
}

/**
 * As {@link loadEnvironment}, with Infobip as the only provider. Needs neither the ids that the
 * set-up makes, nor API keys, nor a secret.
 * @throws Error with every invalid setting.
 */
export const loadSetupEnvironment = (): SetupEnvironment => parseSetupEnvironment(readVariables());

/** As {@link loadSetupEnvironment}, from these variables. */
export function parseSetupEnvironment(variables: NodeJS.ProcessEnv): SetupEnvironment {
  const needsApiKey = variables['NODE_ENV'] === 'production' && !variables['API_KEYS'];
  return {
    env: parseEnvironment({
      ...variables,
      ...(needsApiKey && { API_KEYS: `not-set-yet:${'0'.repeat(64)}` }),
      INFOBIP_APP_ID: 'not-set-yet',
      INFOBIP_MESSAGE_ID: 'not-set-yet',
      PROVIDERS: 'infobip',
      OTP_SECRET: throwawaySecret(),
    }),
    applicationId: nonEmpty(variables['INFOBIP_APP_ID']),
    messageId: nonEmpty(variables['INFOBIP_MESSAGE_ID']),
  };
}

const nonEmpty = (value: string | undefined): string | undefined =>
  value === '' ? undefined : value;

const throwawaySecret = (): string => randomBytes(32).toString('hex');

const readVariables = (): NodeJS.ProcessEnv => ({ ...readDotEnv(), ...process.env });

function readDotEnv(): NodeJS.ProcessEnv {
  try {
    return parseEnv(readFileSync('.env', 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
