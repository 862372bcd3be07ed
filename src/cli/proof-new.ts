import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint';
import { parseProofKeys } from '../config/proof-keys.js';
import { defineCommand, UsageError } from './command.js';

export const proofNew = defineCommand({
  name: 'proof:new',
  about: `Makes an Ed25519 key that signs proofs of verified numbers. Prints it as a JWK Set for PROOF_KEYS or for
the file of PROOF_KEYS_FILE. The set is a secret. Its first key signs. To rotate, add a key to the existing
set with --add-to: the new key comes last, so that it is published before it signs. docs/proof.md describes
the steps.`,
  options: {
    'add-to': {
      value: 'FILE',
      help: 'the existing set, whose keys are printed before the new one',
    },
  },
  run: async ({ 'add-to': file }) => {
    const existingKeys = file === undefined ? [] : readKeySet(file);
    console.log(JSON.stringify({ keys: [...existingKeys, await createKey()] }));
    return 0;
  },
});

/** Creates a private key as a JWK; its `kid` is the thumbprint of the key (RFC 7638). */
async function createKey(): Promise<object> {
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const kid = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x: String(x) });
  return { kty, crv, x, d, kid, alg: 'EdDSA', use: 'sig' };
}

/** @throws UsageError if the file cannot be read, or is not a JWK Set that `PROOF_KEYS` accepts. */
function readKeySet(file: string): readonly object[] {
  try {
    const text = readFileSync(file, 'utf8');
    parseProofKeys(text);
    return (JSON.parse(text) as { keys: object[] }).keys;
  } catch (error) {
    throw new UsageError(
      `The file of --add-to ${describeReadError(error as NodeJS.ErrnoException)}.`,
    );
  }
}

const describeReadError = ({ code, message }: NodeJS.ErrnoException): string =>
  code === undefined ? message : `cannot be read (${code})`;
