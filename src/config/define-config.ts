import { getConfigToken } from '@nestjs/config';
import type Joi from 'joi';
import type { SettingDocs } from './env-types.js';

/**
 * The validated variables of one process, as `parseEnvironment` returns them. To read the rules of a
 * client, the client's own values replace some of them.
 */
export interface Environment {
  /** Parsed values by the name of the variable. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Sentences about variables that look like misspelt settings. */
  readonly warnings: readonly string[];
}

/** One setting: its variable, its rules, and its texts for docs/configuration.md. */
export interface Setting<T> {
  readonly name: string;
  readonly schema: Joi.Schema;
  readonly docs: SettingDocs;
  readonly read: (env: Environment) => T;
}

/** A setting that is required or has a default. */
export const setting = <T>(name: string, schema: Joi.Schema<T>, docs: SettingDocs): Setting<T> => ({
  name,
  schema,
  docs,
  read: ({ values }) => values[name] as T,
});

/** A setting that may be absent: then its value is `undefined`. */
export const optional = <T>(...definition: Parameters<typeof setting<T>>): Setting<T | undefined> =>
  setting<T>(...definition);

type Settings = Readonly<Record<string, Setting<unknown>>>;
export type SettingValues<S extends Settings> = {
  readonly [K in keyof S]: ReturnType<S[K]['read']>;
};

/** Reads the value of each setting. The result has the same properties as `settings`. */
export const readSettings = <S extends Settings>(settings: S, env: Environment) =>
  Object.fromEntries(
    Object.entries(settings).map(([property, { read }]) => [property, read(env)]),
  ) as SettingValues<S>;

/**
 * Defines one typed namespace of the configuration: each property has the value of its setting.
 * Inject the configuration by `KEY`. Where no application exists yet, call the returned function.
 * @param section heading in docs/configuration.md; namespaces with one heading share a table
 * @param build makes the configuration from the values of the settings (default: these values)
 */
export function defineConfig<S extends Settings, T extends object = SettingValues<S>>(
  namespace: string,
  section: string,
  settings: S,
  build: (values: SettingValues<S>, env: Environment) => T = (values) => values as unknown as T,
) {
  const read = (env: Environment): T => {
    const config = build(readSettings(settings, env), env);
    for (const value of Object.values(config)) Object.freeze(value);
    return Object.freeze(config);
  };
  const KEY = getConfigToken(namespace);
  return Object.assign(read, { KEY, namespace, section, settings: Object.values(settings) });
}
