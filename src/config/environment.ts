import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import Joi from 'joi';
import type { Environment } from './define-config.js';
import { findPrefixErrors } from './destinations.config.js';
import { findSecretFileErrors } from './development-secret.js';
import { findDevelopmentSecretErrors } from './encryption.config.js';
import { SECRET_NAMES, SETTING_NAMES, SETTINGS } from './config.module.js';
import { findMetricsClientErrors } from './http.config.js';
import { findOpenAccessErrors, findOpenAccessWarnings } from './open-access.js';
import { PROXY_VARIABLES } from './outbound.config.js';
import { findRouteErrors } from './providers-by-country.js';
import { findMissingCredentials, providersConfig } from './providers.config.js';
import { findReportErrors } from './reports.config.js';
import { readSecretFiles, toFileVariable } from './secret-files.js';
import { storageConfig } from './storage.config.js';
import { describeUnknownVariables } from './unknown-variables.js';
import { findWebhookErrors } from './webhooks.config.js';

const SCHEMA = Joi.object<Record<string, unknown>>(
  Object.fromEntries(SETTINGS.map(({ name, schema }) => [name, schema])),
);

/** Every variable that the service reads. */
const VARIABLE_NAMES = [...SETTING_NAMES, ...SECRET_NAMES.map(toFileVariable)];

/**
 * Validates variables, and reads the files of secrets. An empty variable counts as absent.
 * @throws Error with a line for each invalid setting, by name and never with its value.
 */
export function parseEnvironment(variables: NodeJS.ProcessEnv): Environment {
  const withProxies = addProxyVariables(variables);
  const nonEmpty = Object.entries(withProxies).filter(([, value]) => value !== '');
  const files = readSecretFiles(withProxies, SECRET_NAMES);
  const settings = { ...Object.fromEntries(nonEmpty), ...files.values };
  const result = SCHEMA.validate(settings, {
    abortEarly: false,
    stripUnknown: true,
    errors: { wrap: { label: false } },
  });
  const warnings = describeUnknownVariables(Object.keys(variables), VARIABLE_NAMES);
  const env: Environment = { values: result.value as Record<string, unknown>, warnings };
  const invalid = result.error?.details ?? [];
  const combinationErrors = [
    // A check of a list runs only if the list is valid. PROVIDERS, for example, decides which
    // credentials are required.
    ...(Array.isArray(env.values['PROVIDERS'])
      ? [...findMissingCredentials(env), ...findOpenAccessErrors(env)]
      : []),
    ...(Array.isArray(env.values['PROVIDERS']) && env.values['PROVIDER_ROUTES'] instanceof Map
      ? findRouteErrors(providersConfig(env))
      : []),
    ...(Array.isArray(env.values['API_KEYS']) && !files.unread.includes('API_KEYS')
      ? findMetricsClientErrors(env)
      : []),
    ...(Array.isArray(env.values['BLOCKED_PREFIXES']) &&
    Array.isArray(env.values['TRUSTED_PREFIXES'])
      ? findPrefixErrors(env)
      : []),
    ...findDevelopmentSecretErrors(env),
    ...findWebhookErrors(env),
    ...findReportErrors(env),
  ];
  const isAbout = (names: readonly unknown[]) => (error: string) =>
    names.some((name) => error.startsWith(`${String(name)} `));
  const isAboutInvalid = isAbout(invalid.map(({ path: [name] }) => name));
  const settingErrors = [
    ...invalid.map(({ message }) => message),
    ...combinationErrors.filter((error) => !isAboutInvalid(error)),
  ];
  // Do not report a setting as missing if its file cannot be read.
  const isAboutUnread = isAbout(files.unread);
  const errors = [...files.errors, ...settingErrors.filter((error) => !isAboutUnread(error))];
  assertNoErrors(errors, warnings);
  return { ...env, warnings: [...warnings, ...findOpenAccessWarnings(env)] };
}

/** @throws Error that lists the errors, if there are any, and then the warnings */
function assertNoErrors(errors: readonly string[], warnings: readonly string[] = []): void {
  if (errors.length === 0) return;
  throw new Error(['The settings cannot be used:', ...errors, ...warnings].join('\n  - '));
}

/** Adds `HTTPS_PROXY` from `https_proxy`, and so on. As in curl and undici, lower case wins. */
function addProxyVariables(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const result = { ...variables };
  for (const name of PROXY_VARIABLES) {
    const value = variables[name.toLowerCase()];
    if (value) result[name] = value;
  }
  return result;
}

/**
 * Reads the settings from the environment and from `.env` in the working directory; the environment
 * wins.
 * @throws Error with every invalid setting.
 */
export const loadEnvironment = (): Environment => parseEnvironment(readVariables());

/**
 * As {@link loadEnvironment}, for a command that encrypts nothing. Outside production, a random
 * placeholder replaces an absent `OTP_SECRET`, so that no secret is created in `DATA_DIR`.
 * @param checksSecretFile whether an invalid file of the secret in `DATA_DIR` is an error, too
 * @throws Error with every invalid setting.
 */
export function loadCommandEnvironment({ checksSecretFile = false } = {}): Environment {
  const variables = readVariables();
  const needsPlaceholder =
    variables['NODE_ENV'] !== 'production' && !isSet(variables, 'OTP_SECRET');
  const env = parseEnvironment({
    ...variables,
    ...(needsPlaceholder && { OTP_SECRET: createRandomSecret() }),
  });
  if (needsPlaceholder && checksSecretFile) {
    assertNoErrors(findSecretFileErrors(storageConfig(env).dataDir), env.warnings);
  }
  return env;
}

/**
 * As {@link loadEnvironment}, with Infobip as the only provider. The ids that `infobip:setup`
 * creates, the secret, and in production absent API keys are placeholders.
 * @throws Error with every invalid setting.
 */
export function loadSetupEnvironment(variables = readVariables()) {
  const isProduction = variables['NODE_ENV'] === 'production';
  const needsApiKey =
    isProduction && !isSet(variables, 'API_KEYS') && !isSet(variables, 'CLIENTS_FILE');
  const env = parseEnvironment({
    ...variables,
    ...(needsApiKey && { API_KEYS: `not-set-yet:${'0'.repeat(64)}`, METRICS_CLIENT: '' }),
    // The command itself accepts no requests.
    ...(!isProduction && { ALLOW_UNAUTHENTICATED: 'true' }),
    INFOBIP_APP_ID: 'not-set-yet',
    INFOBIP_MESSAGE_ID: 'not-set-yet',
    PROVIDERS: 'infobip',
    PROVIDER_ROUTES: '',
    OTP_SECRET: createRandomSecret(),
    OTP_SECRET_FILE: '',
  });
  const getNonEmpty = (name: string) => (variables[name] === '' ? undefined : variables[name]);
  return {
    env,
    /** The ids in the variables; `undefined` before the first setup. */
    applicationId: getNonEmpty('INFOBIP_APP_ID'),
    templateId: getNonEmpty('INFOBIP_MESSAGE_ID'),
  };
}

/** Whether a setting is set, as a value or as a file. */
const isSet = (variables: NodeJS.ProcessEnv, name: string): boolean =>
  Boolean(variables[name] ?? '') || Boolean(variables[toFileVariable(name)] ?? '');

const createRandomSecret = (): string => randomBytes(32).toString('hex');

/** The variables of `.env` in the working directory and of the process; the latter win. */
function readVariables(): NodeJS.ProcessEnv {
  try {
    return { ...parseEnv(readFileSync('.env', 'utf8')), ...process.env };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return process.env;
    throw error;
  }
}
