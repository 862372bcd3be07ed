import { createHmac, hash, timingSafeEqual } from 'node:crypto';

const HEX = /^[\da-f]{64}$/i;
const BASE64 = /^[A-Za-z\d+/]{43}=$/;

/** A header as Node gives it: a list, or a joined text, if it occurs more than once. */
type HeaderValue = string | readonly string[] | undefined;

/** Whether a header is one of the tokens. Compares every token, in constant time. */
export function isTokenValid(header: HeaderValue, tokens: readonly string[]): boolean {
  if (typeof header !== 'string') return false;
  const headerHash = hash('sha256', header, 'buffer');
  return tokens
    .map((token) => timingSafeEqual(hash('sha256', token, 'buffer'), headerHash))
    .includes(true);
}

/**
 * Whether a header is the HMAC-SHA-256 of the body with one of the secrets. Infobip does not document the format, so hex and base64
 * are accepted, with or without `sha256=` before them.
 */
export function isHmacValid(
  header: HeaderValue,
  body: Buffer,
  secrets: readonly string[],
): boolean {
  const digest = decodeDigest(header);
  if (!digest) return false;
  return secrets.some((secret) =>
    timingSafeEqual(digest, createHmac('sha256', secret).update(body).digest()),
  );
}

function decodeDigest(header: HeaderValue): Buffer | undefined {
  if (typeof header !== 'string') return undefined;
  const text = header.replace(/^sha256=/, '');
  if (HEX.test(text)) return Buffer.from(text, 'hex');
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}
