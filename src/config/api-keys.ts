import { createListParser } from './list-parsers.js';

/** The API key of a client. */
export interface ApiKey {
  readonly client: string;
  /** SHA-256 of the key. */
  readonly hash: Buffer;
}

const CLIENT_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;
const SHA_256 = /^[0-9a-f]{64}$/i;

const parseEntries = createListParser((entry): ApiKey | undefined => {
  const [client = '', hex = '', ...rest] = entry.split(':');
  const hash = parseKeyHash(hex);
  return isClientName(client) && hash && rest.length === 0 ? { client, hash } : undefined;
}, 'entries like name:<sha-256 of the key, hex>; npm run keys:new makes one');

/**
 * Parses `name:<sha-256 of the key, hex>` entries; a name may have several keys. If two clients had
 * one key, the service could not know which of them sent a request.
 */
export function parseApiKeys(text: string): ApiKey[] {
  const keys = parseEntries(text);
  const owners = new Map<string, string>();
  for (const { client, hash } of keys) {
    const key = hash.toString('hex');
    const owner = owners.get(key) ?? client;
    if (owner !== client) {
      throw new Error(
        `must have a different key for each client, but ${owner} and ${client} share one`,
      );
    }
    owners.set(key, client);
  }
  return keys;
}

/** Whether a text can be the name of a client. */
export const isClientName = (text: string): boolean => CLIENT_NAME.test(text);

/** Parses the SHA-256 of an API key in hex; otherwise `undefined`. */
export const parseKeyHash = (text: string): Buffer | undefined =>
  SHA_256.test(text) ? Buffer.from(text, 'hex') : undefined;
