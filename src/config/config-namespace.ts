import { getConfigToken } from '@nestjs/config';
import type Joi from 'joi';

/** The validated variables of one process; only `parseEnvironment` makes one. */
export interface Environment {
  /** By the name of the variable. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** One setting: its variable, and in the schema its rules and what the documents say about it. */
export interface Setting<T> {
  readonly name: string;
  readonly schema: Joi.Schema;
  readonly read: (env: Environment) => T;
}

/** A setting that is required or has a default. */
export const setting = <T>(name: string, schema: Joi.Schema<T>): Setting<T> => ({
  name,
  schema,
  read: ({ values }) => values[name] as T,
});

/** A setting that may be absent. */
export const optional = <T>(name: string, schema: Joi.Schema<T>): Setting<T | undefined> =>
  setting<T | undefined>(name, schema.optional());

type Settings = Readonly<Record<string, Setting<unknown>>>;
export type SettingValues<S extends Settings> = {
  readonly [K in keyof S]: ReturnType<S[K]['read']>;
};

/** The values of several settings, by the same properties. */
export const readSettings = <S extends Settings>(settings: S, env: Environment) =>
  Object.fromEntries(
    Object.entries(settings).map(([property, { read }]) => [property, read(env)]),
  ) as SettingValues<S>;

/** Where the documents list the settings; namespaces with one title share a table. */
interface DocsSection {
  readonly title: string;
  readonly intro?: string;
}

/** A typed part of the configuration. A class injects it by `KEY`; before there is an application, call it. */
export interface ConfigNamespace<T extends object> {
  (env: Environment): T;
  /** Injection token. */
  readonly KEY: string;
  /** Its name for `ConfigService.get`. */
  readonly namespace: string;
  readonly section: DocsSection;
  readonly settings: readonly Setting<unknown>[];
}

/**
 * Defines a namespace by its settings, each under the name of its property.
 * @param build makes the namespace's value from those of its settings; without it, it is them.
 */
export function configNamespace<S extends Settings>(
  namespace: string,
  section: DocsSection,
  settings: S,
): ConfigNamespace<SettingValues<S>>;
export function configNamespace<S extends Settings, T extends object>(
  namespace: string,
  section: DocsSection,
  settings: S,
  build: (values: SettingValues<S>, env: Environment) => T,
): ConfigNamespace<T>;
export function configNamespace<S extends Settings>(
  namespace: string,
  section: DocsSection,
  settings: S,
  build: (values: SettingValues<S>, env: Environment) => object = (values) => values,
): ConfigNamespace<object> {
  const read = (env: Environment): object => {
    const config = build(readSettings(settings, env), env);
    for (const value of Object.values(config)) Object.freeze(value);
    return Object.freeze(config);
  };
  return Object.assign(read, {
    KEY: getConfigToken(namespace),
    namespace,
    section,
    settings: Object.values(settings),
  });
}
