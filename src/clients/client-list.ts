import { authConfig } from '../config/auth.config.js';
import type { Environment } from '../config/define-config.js';
import { readClientRules, type ClientRules } from './client-rules.js';

/** A client, with its API keys and rules. */
export interface Client {
  readonly name: string;
  /** SHA-256 of each of its API keys. */
  readonly keys: readonly Buffer[];
  readonly rules: ClientRules;
  /** The client's fields as text, by name and without its keys, to log what changes. */
  readonly overrideTexts: ReadonlyMap<string, string>;
}

/** All clients. Immutable: a changed file makes a new list. */
export interface ClientList {
  /** The rules of a client that overrides no setting. */
  readonly defaults: ClientRules;
  readonly clients: readonly Client[];
}

const NO_OVERRIDE_TEXTS: ReadonlyMap<string, string> = new Map();

/** The clients of `API_KEYS`. All have the rules of the settings. */
export function listApiKeyClients(env: Environment): ClientList {
  const defaults = readClientRules(env);
  const { apiKeys } = authConfig(env);
  const names = new Set(apiKeys.map(({ client }) => client));
  const clients = Array.from(names, (name) => ({
    name,
    keys: apiKeys.filter(({ client }) => client === name).map(({ hash }) => hash),
    rules: defaults,
    overrideTexts: NO_OVERRIDE_TEXTS,
  }));
  return { defaults, clients };
}
