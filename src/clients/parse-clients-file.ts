import { parseDocument } from 'yaml';
import { isClientName } from '../config/api-keys.js';
import type { Environment } from '../config/define-config.js';
import type { ClientList } from './client-list.js';
import { readClientRules } from './client-rules.js';
import { ClientsFileError } from './clients-file.error.js';
import { parseClient, type ParsedClient } from './parse-client.js';

const EXPECTED_FORMAT =
  'must have the field clients and under it each client by its name; see docs/clients.md';

/**
 * Parses the text of a `CLIENTS_FILE`.
 * @param env the settings, for values that a client does not override
 * @throws ClientsFileError with every error
 */
export function parseClientsFile(text: string, env: Environment): ClientList {
  const entries = parseYaml(text);
  const errors: string[] = [];
  const clients = new Map<string, ParsedClient>();
  for (const [name, fields] of entries) {
    if (!isClientName(name)) errors.push('clients has an invalid name of a client');
    else clients.set(name, parseClient(name, fields, env, errors));
  }
  errors.push(...findRepeatedKeys(clients));
  if (errors.length > 0) throw new ClientsFileError(errors);
  return toClientList(clients, env);
}

/**
 * Parses YAML, which includes JSON. Every value stays text, so that `NO` is Norway and not `false`.
 */
function parseYaml(text: string): ReadonlyMap<string, unknown> {
  const document = parseDocument(text, { schema: 'failsafe', prettyErrors: true });
  if (document.errors.length > 0) {
    // The parser's message is left out, because it quotes the file.
    const errors = document.errors.map(
      ({ code, linePos: [at] = [{ line: 1, col: 1 }] }) =>
        `line ${String(at.line)}, column ${String(at.col)} is neither YAML nor JSON (${code})`,
    );
    throw new ClientsFileError(errors);
  }
  const root = toValue(document);
  const clients: unknown = root instanceof Map && root.size === 1 ? root.get('clients') : undefined;
  if (!(clients instanceof Map && clients.size > 0)) {
    throw new ClientsFileError([EXPECTED_FORMAT]);
  }
  return clients as ReadonlyMap<string, unknown>;
}

function toValue(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ mapAsMap: true });
  } catch {
    throw new ClientsFileError(['has an alias without an anchor before it, or too many aliases']);
  }
}

/**
 * An error for each key that is listed more than once. If two clients had one key, the service could
 * not tell which of them sent a request.
 */
function findRepeatedKeys(clients: ReadonlyMap<string, ParsedClient>): string[] {
  const owners = new Map<string, string>();
  const errors: string[] = [];
  for (const [name, { keyHashes }] of clients) {
    for (const key of keyHashes.map((hash) => hash.toString('hex'))) {
      const owner = owners.get(key);
      if (owner !== undefined)
        errors.push(`clients.${name}.keys has a key that is listed already for ${owner}`);
      owners.set(key, name);
    }
  }
  return errors;
}

function toClientList(clients: ReadonlyMap<string, ParsedClient>, env: Environment): ClientList {
  const defaults = readClientRules(env);
  const list = Array.from(clients, ([name, { keyHashes, overrides, fieldTexts }]) => ({
    name,
    keyHashes,
    fieldTexts,
    rules: fieldTexts.size === 0 ? defaults : readClientRules(env, overrides),
  }));
  return { defaults, clients: list };
}
