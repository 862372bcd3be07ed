import { createHmac, hash, timingSafeEqual } from 'node:crypto';

const HEX = /^[\da-f]{64}$/i;
const BASE64 = /^[A-Za-z\d+/]{43}=$/;

/** A header as Node gives it: a list, or a joined text, if it occurs more than once. */
type HeaderValue = string | readonly string[] | undefined;

/** Whether a header is one of the tokens. Compares every token, in constant time. */
export function isTokenValid(given: HeaderValue, tokens: readonly string[]): boolean {
  if (typeof given !== 'string') return false;
  const givenHash = hash('sha256', given, 'buffer');
  return tokens
    .map((token) => timingSafeEqual(hash('sha256', token, 'buffer'), givenHash))
    .includes(true);
}

/**
 * Whether a header is the HMAC-SHA-256 of the bytes, in hex or base64. How Infobip writes it is not
 * documented, so each form is accepted, also after `sha256=`.
 */
export function isHmacValid(given: HeaderValue, body: Buffer, secret: string): boolean {
  const digest = decodeDigest(given);
  if (!digest) return false;
  return timingSafeEqual(digest, createHmac('sha256', secret).update(body).digest());
}

function decodeDigest(given: HeaderValue): Buffer | undefined {
  if (typeof given !== 'string') return undefined;
  const text = given.replace(/^sha256=/, '');
  if (HEX.test(text)) return Buffer.from(text, 'hex');
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}
