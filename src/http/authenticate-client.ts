import { hash } from 'node:crypto';
import type { ClientDirectory } from '../clients/client-directory.js';
import type { Client } from '../clients/client-list.js';

/** An `Authorization` header with an API key (RFC 6750 §2.1). */
const BEARER = /^Bearer ([\w.~+/-]+=*)$/i;

/**
 * Finds the client that owns the API key of a request (`API_KEYS` or `CLIENTS_FILE`); `undefined` if
 * the key is missing or unknown.
 * @param authorization the `Authorization` header
 */
export function authenticateClient(
  directory: ClientDirectory,
  authorization = '',
): Client | undefined {
  const [, key] = BEARER.exec(authorization) ?? [];
  return key === undefined ? undefined : directory.findByKey(hash('sha256', key, 'buffer'));
}
