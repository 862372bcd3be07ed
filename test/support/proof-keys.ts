import { generateKeyPairSync } from 'node:crypto';

/** A private Ed25519 key as a JWK. */
export interface PrivateProofKey {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly d: string;
  readonly kid: string;
}

export function newProofKey(kid: string): PrivateProofKey {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'Ed25519', x, d, kid };
}

/** The value of `PROOF_KEYS`. */
export const toKeySet = (...keys: readonly object[]): string => JSON.stringify({ keys });

/** The claims of a proof, unchecked. */
export function readClaims(proof: string): Record<string, unknown> {
  const [, payload = ''] = proof.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
}
