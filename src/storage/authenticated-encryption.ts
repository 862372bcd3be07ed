import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { getRandomBytes } from '../common/random.js';

const CIPHER = 'aes-256-gcm';
/** Random, 96 bits (NIST SP 800-38D §8.2). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Without this option, Node also accepts tags of 32 bits, which can be guessed. */
const CIPHER_OPTIONS = { authTagLength: TAG_BYTES };

/**
 * Encrypts a text with AES-256-GCM.
 * @param context authenticated and not stored: decryption needs the same context
 * @returns nonce, ciphertext and tag
 */
export function encryptText(key: KeyObject, text: string, context: string): Buffer[] {
  const nonce = getRandomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, CIPHER_OPTIONS).setAAD(Buffer.from(context));
  return [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
}

/** @returns the text; `undefined` if the data was changed, or the key or context is another one */
export function tryDecryptText(key: KeyObject, data: Buffer, context: string): string | undefined {
  try {
    const nonce = data.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, key, nonce, CIPHER_OPTIONS)
      .setAAD(Buffer.from(context))
      .setAuthTag(data.subarray(-TAG_BYTES));
    const text = decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
