import { authConfig } from '../config/auth.config.js';
import type { Environment } from '../config/define-config.js';
import { readClientRules, type ClientRules } from './client-rules.js';

/** A client, with its API keys and rules. */
export interface Client {
  readonly name: string;
  /** SHA-256 of each of its API keys. */
  readonly keyHashes: readonly Buffer[];
  readonly rules: ClientRules;
  /** Text of each field except `keys`, by its name in `CLIENTS_FILE`. The log shows its changes. */
  readonly fieldTexts: ReadonlyMap<string, string>;
}

/** All clients. Immutable: after a change of `CLIENTS_FILE`, a new list replaces it. */
export interface ClientList {
  /** The rules of a client that overrides no setting. */
  readonly defaults: ClientRules;
  readonly clients: readonly Client[];
}

const NO_FIELD_TEXTS: ReadonlyMap<string, string> = new Map();

/** Lists the clients in `API_KEYS`. None of them overrides a setting. */
export function listApiKeyClients(env: Environment): ClientList {
  const defaults = readClientRules(env);
  const { apiKeys } = authConfig(env);
  const names = new Set(apiKeys.map(({ client }) => client));
  const clients = Array.from(names, (name) => ({
    name,
    keyHashes: apiKeys.filter(({ client }) => client === name).map(({ hash }) => hash),
    rules: defaults,
    fieldTexts: NO_FIELD_TEXTS,
  }));
  return { defaults, clients };
}
