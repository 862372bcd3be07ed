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
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
/** NIST SP 800-38D §8.2: 96 bits, random. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

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
   * Encrypts a text (AES-256-GCM).
   * @param context the place where it is stored; only there it can be decrypted.
   */
  encrypt(text: string, context: string): string {
    const nonce = getRandomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.current.encryption, nonce).setAAD(
      Buffer.from(context),
    );
    const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return `${this.current.id}.${Buffer.concat(sealed).toString('base64url')}`;
  }

  /** @throws Error if the context or the text changed, or its secret is no longer listed. */
  decrypt(sealed: string, context: string): string {
    const [id, text = ''] = sealed.split('.');
    const keys = [this.current, ...this.older].find((candidate) => candidate.id === id);
    if (!keys) throw new Error('encrypted under a secret that OTP_SECRET no longer lists');
    const bytes = Buffer.from(text, 'base64url');
    const decipher = createDecipheriv(CIPHER, keys.encryption, bytes.subarray(0, NONCE_BYTES))
      .setAAD(Buffer.from(context))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    const opened = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([opened, decipher.final()]).toString('utf8');
  }
}

function computeMac(keys: DerivedKeys, purpose: HashPurpose, text: string): string {
  return createHmac('sha256', keys.hashes[purpose]).update(text).digest('base64url');
}

function deriveKeys(secret: string): DerivedKeys {
  const deriveKey = (info: string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, '', `otp-service/${info}`, length));
  // From bytes, Node 24 would create a key object per use, at ten times the cost of the use.
  const createKey = (info: string) => createSecretKey(deriveKey(info, KEY_BYTES));
  return {
    id: deriveKey('key-id', KEY_ID_BYTES).toString('base64url'),
    encryption: createKey('seal'),
    hashes: Object.fromEntries(
      PURPOSES.map((purpose) => [purpose, createKey(`hash/${purpose}`)]),
    ) as Record<HashPurpose, KeyObject>,
  };
}
