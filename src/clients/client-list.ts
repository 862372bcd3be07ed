import { authConfig } from '../config/auth.config.js';
import type { Environment } from '../config/define-config.js';
import { readClientRules, type ClientRules } from './client-rules.js';

/** A client, with its API keys and rules. */
export interface Client {
  readonly name: string;
  /** SHA-256 of each of its API keys. */
  readonly keys: readonly Buffer[];
  readonly rules: ClientRules;
  /** The values of its own as `CLIENTS_FILE` has them, by field, to describe changes. Without the keys. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Every client at one time. Immutable: a change makes a new list. */
export interface ClientList {
  /** The rules of a client without values of its own. */
  readonly defaults: ClientRules;
  readonly clients: readonly Client[];
}

const NO_TEXTS: ReadonlyMap<string, string> = new Map();

/** The clients in `API_KEYS`. All have the rules of the settings. */
export function listConfiguredClients(env: Environment): ClientList {
  const defaults = readClientRules(env);
  const { apiKeys } = authConfig(env);
  const names = new Set(apiKeys.map(({ client }) => client));
  const clients = Array.from(names, (name) => ({
    name,
    keys: apiKeys.filter(({ client }) => client === name).map(({ hash }) => hash),
    rules: defaults,
    texts: NO_TEXTS,
  }));
  return { defaults, clients };
}
