import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/** The published part of a key: a public key as a JWK (RFC 7517, RFC 8037). */
export interface PublicProofKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly use: 'sig';
}

/** A key of `PROOF_KEYS`, which signs proofs. */
export interface ProofKey {
  readonly privateKey: KeyObject;
  readonly publicKey: PublicProofKey;
}

/** 32 bytes in base64url: a private or a public Ed25519 key. */
const KEY_TEXT = /^[\w-]{43}$/;
/** Printable ASCII, because the header of each proof contains the key id. */
const KEY_ID = /^[\x21-\x7e]{1,128}$/;

/**
 * Parses a JWK Set (RFC 7517 §5) of private Ed25519 keys.
 * @throws Error with the position of the invalid key in the set, and never with a part of it
 */
export function parseProofKeys(text: string): readonly ProofKey[] {
  const keys = parseKeySet(text).map(parseKey);
  keys.forEach(({ publicKey: { kid } }, index) => {
    const first = keys.findIndex(({ publicKey }) => publicKey.kid === kid);
    if (first < index) fail(index, `has the kid of key ${String(first + 1)}`);
  });
  return keys;
}

function parseKeySet(text: string): readonly unknown[] {
  const { keys } = (tryParseJson(text) ?? {}) as { keys?: unknown };
  if (Array.isArray(keys) && keys.length > 0) return keys;
  throw new Error(
    'must be a JWK Set, which is JSON like {"keys":[…]} with at least one key; npm run proof:new makes one',
  );
}

function parseKey(value: unknown, index: number): ProofKey {
  const { kty, crv, d, x, kid, alg = 'EdDSA', use = 'sig' } = (value ?? {}) as JsonWebKey;
  if (kty !== 'OKP' || crv !== 'Ed25519') fail(index, 'is no Ed25519 key: kty OKP, crv Ed25519');
  if (alg !== 'EdDSA') fail(index, 'has another alg than EdDSA');
  if (use !== 'sig') fail(index, 'has another use than sig');
  if (!isText(kid, KEY_ID)) fail(index, 'has no kid of 1 to 128 printable ASCII characters');
  if (d === undefined) fail(index, 'has no private part d');
  if (!isText(d, KEY_TEXT) || !isText(x, KEY_TEXT)) {
    fail(index, 'has a d or x that is not 32 bytes in base64url');
  }
  const privateKey = createPrivateKey({ key: { kty, crv, d, x }, format: 'jwk' });
  // Node ignores x here. A wrong x would be published, and no proof could be verified with it.
  if (createPublicKey(privateKey).export({ format: 'jwk' }).x !== x) {
    fail(index, 'has an x that does not belong to its d');
  }
  return { privateKey, publicKey: { kty, crv, x, kid, alg, use } };
}

const isText = (value: unknown, pattern: RegExp): value is string =>
  typeof value === 'string' && pattern.test(value);

function fail(index: number, problem: string): never {
  throw new Error(`cannot be used: key ${String(index + 1)} ${problem}`);
}

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of the parser quotes the text.
    return undefined;
  }
}
