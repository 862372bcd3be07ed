import { DomainError } from '../common/domain-error.js';
import { getRandomBytes } from '../common/random.js';

/** 128 bits: a pinId cannot be guessed. */
const PIN_ID_BYTES = 16;

/** The bytes of a pinId in base64url. */
const PIN_ID = /^[\w-]{22}$/;

export const createPinId = (): string => getRandomBytes(PIN_ID_BYTES).toString('base64url');

/**
 * Checks the form of a request's pinId. A malformed pinId was never issued, so it needs no query.
 * PostgreSQL would reject one with a NUL character.
 * @throws DomainError `verification_not_found`
 */
export function parsePinId(text: string): string {
  if (!PIN_ID.test(text)) throw new DomainError('verification_not_found');
  return text;
}
