import { hash } from 'node:crypto';
import type { ClientDirectory } from '../clients/client-directory.js';
import type { Client } from '../clients/client-list.js';

/** An `Authorization` header with an API key (RFC 6750 §2.1; RFC 9110 §11.4 allows several spaces). */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;

const NOT_A_KEY = 'The text after Bearer does not have the form of an API key.';

/** What is wrong with an `Authorization` header that {@link authenticateClient} rejects. */
export function describeRejection(authorization: string | undefined): string {
  if (authorization === undefined) return 'The Authorization header is missing.';
  if (authorization === '') return 'The Authorization header is empty.';
  if (BEARER.test(authorization)) return 'The API key is not known to this service.';
  if (/^Bearer$/i.test(authorization)) return 'The API key after Bearer is missing.';
  if (/^Bearer\b/i.test(authorization)) return NOT_A_KEY;
  return authorization.includes(' ')
    ? 'The Authorization header has another scheme than Bearer.'
    : 'The Authorization header has no scheme. Write Bearer before the API key.';
}

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
