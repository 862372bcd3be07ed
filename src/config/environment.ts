import Joi from 'joi';
import type { Environment } from './config-namespace.js';
import { SETTINGS } from './namespaces.js';
import { findMissingCredentials } from './providers.config.js';

const SCHEMA = Joi.object<Record<string, unknown>>(
  Object.fromEntries(SETTINGS.map(({ name, schema }) => [name, schema])),
);

/**
 * Validates variables. An empty one counts as absent.
 * @throws Error with a line for each invalid setting, by name and never with its value.
 */
export function parseEnvironment(variables: NodeJS.ProcessEnv): Environment {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const result = SCHEMA.validate(given, {
    abortEarly: false,
    stripUnknown: true,
    errors: { wrap: { label: false } },
  });
  const env: Environment = { values: result.value as Record<string, unknown> };
  const errors = [
    ...(result.error?.details ?? []).map(({ message }) => message),
    ...missingVariables(env).map((name) => `${name} is required`),
  ];
  if (errors.length === 0) return env;
  throw new Error(['The settings cannot be used:', ...errors].join('\n  - '));
}

/** The providers' settings that are absent, if it is known which providers are in use. */
const missingVariables = (env: Environment): string[] =>
  Array.isArray(env.values['PROVIDERS']) ? findMissingCredentials(env) : [];
