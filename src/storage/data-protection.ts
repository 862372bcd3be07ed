import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { getRandomBytes } from '../common/random.js';
import { encryptionConfig, type EncryptionConfig } from '../config/encryption.config.js';
import { UnreadableDataError } from './unreadable-data.error.js';

/** Each purpose has a key of its own, so equal texts have different hashes. */
const PURPOSES = [
  'phone-number',
  'number-prefix',
  'end-user',
  'reference',
  'idempotency-key',
  'request',
] as const;
export type HashPurpose = (typeof PURPOSES)[number];

const CIPHER = 'aes-256-gcm';
/**
 * Encrypted values are `<key id>.<nonce, ciphertext, tag>.<format>`. Older releases write no format
 * and ignore a third part, so they can read format 1.
 */
const FORMAT = '1';
const ENCRYPTED_VALUE = /^(?<id>[\w-]+)\.(?<data>[\w-]+)(?:\.(?<format>\d+))?$/;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
/** NIST SP 800-38D §8.2: 96 bits, random. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Without it, Node accepts tags of 32 bits, which can be guessed. */
const CIPHER_OPTIONS = { authTagLength: TAG_BYTES };

interface DerivedKeys {
  readonly id: string;
  readonly encryption: KeyObject;
  readonly hashes: Readonly<Record<HashPurpose, KeyObject>>;
}

/**
 * Hashes and encrypts stored personal data. HKDF (RFC 5869) derives all keys from the master
 * secrets: the first one writes, all of them read.
 */
@Injectable()
export class DataProtection {
  private readonly current: DerivedKeys;
  private readonly older: readonly DerivedKeys[];

  constructor(@Inject(encryptionConfig.KEY) { secrets: [current, ...older] }: EncryptionConfig) {
    this.current = deriveKeys(current);
    this.older = older.map(deriveKeys);
  }

  /** Whether old secrets are still listed. */
  get hasOldSecrets(): boolean {
    return this.older.length > 0;
  }

  /** HMAC-SHA-256 under the current secret, URL-safe. */
  hash(purpose: HashPurpose, text: string): string {
    return computeMac(this.current, purpose, text);
  }

  /** The hashes under the old secrets. */
  getPreviousHashes(purpose: HashPurpose, text: string): string[] {
    return this.older.map((keys) => computeMac(keys, purpose, text));
  }

  /**
   * Encrypts a value as JSON (AES-256-GCM).
   * @param context the place where it is stored; only there it can be decrypted.
   */
  encrypt(value: unknown, context: string): string {
    const nonce = getRandomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.current.encryption, nonce, CIPHER_OPTIONS).setAAD(
      Buffer.from(context),
    );
    const json = JSON.stringify(value);
    const data = [nonce, cipher.update(json, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return `${this.current.id}.${Buffer.concat(data).toString('base64url')}.${FORMAT}`;
  }

  /**
   * Decrypts a value and checks its shape.
   * @param oldContexts contexts that older releases used, which wrote no format
   */
  decrypt<T>(
    encrypted: string,
    context: string,
    hasShape: (value: unknown) => value is T,
    oldContexts: readonly string[] = [],
  ): T | UnreadableDataError {
    const { id, data, format } = ENCRYPTED_VALUE.exec(encrypted)?.groups ?? {};
    if (data === undefined) return new UnreadableDataError('corrupted');
    if (format !== undefined && format !== FORMAT) return new UnreadableDataError('unknown_format');
    const keys = [this.current, ...this.older].find((candidate) => candidate.id === id);
    if (!keys) return new UnreadableDataError('unknown_secret');
    const contexts = format === undefined ? [context, ...oldContexts] : [context];
    for (const candidate of contexts) {
      const json = tryDecrypt(keys.encryption, Buffer.from(data, 'base64url'), candidate);
      if (json !== undefined) {
        const value = tryParseJson(json);
        return hasShape(value) ? value : new UnreadableDataError('unexpected_shape');
      }
    }
    return new UnreadableDataError('corrupted');
  }
}

/** @returns `undefined` if the context or the data changed */
function tryDecrypt(key: KeyObject, data: Buffer, context: string): string | undefined {
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

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function computeMac(keys: DerivedKeys, purpose: HashPurpose, text: string): string {
  return createHmac('sha256', keys.hashes[purpose]).update(text).digest('base64url');
}

function deriveKeys(secret: string): DerivedKeys {
  const deriveKey = (info: string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, '', `otp-service/${info}`, length));
  // Given bytes, Node 24 creates a key object per call: a hash then takes 15 µs instead of 2.
  const createKey = (info: string) => createSecretKey(deriveKey(info, KEY_BYTES));
  return {
    id: deriveKey('key-id', KEY_ID_BYTES).toString('base64url'),
    encryption: createKey('seal'),
    hashes: Object.fromEntries(
      PURPOSES.map((purpose) => [purpose, createKey(`hash/${purpose}`)]),
    ) as Record<HashPurpose, KeyObject>,
  };
}
