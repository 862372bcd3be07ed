import { errors } from '../common/domain-error.js';
import { getRandomBytes } from '../common/random.js';

/** 128 bits: a pinId cannot be guessed. */
const PIN_ID_BYTES = 16;

/** Those bytes in base64url. */
const PIN_ID = /^[\w-]{22}$/;

export const createPinId = (): string => getRandomBytes(PIN_ID_BYTES).toString('base64url');

/**
 * The pinId of a request. One that was never issued needs no query, and PostgreSQL rejects NUL.
 * @throws DomainError `verification_not_found`
 */
export function parsePinId(text: string): string {
  if (!PIN_ID.test(text)) throw errors.verificationNotFound();
  return text;
}
