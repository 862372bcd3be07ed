import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { pooledRandomBytes } from '../common/random.js';
import { encryptionConfig, type EncryptionConfig } from '../config/encryption.config.js';

/** What is hashed; each purpose has a key of its own, so equal texts do not meet across purposes. */
export type HashPurpose =
  'phone-number' | 'number-prefix' | 'end-user' | 'reference' | 'idempotency-key' | 'request';

const PURPOSES: readonly HashPurpose[] = [
  'phone-number',
  'number-prefix',
  'end-user',
  'reference',
  'idempotency-key',
  'request',
];
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
/** NIST SP 800-38D §8.2: 96 bits, random. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

interface DerivedKeys {
  readonly id: string;
  readonly sealing: KeyObject;
  readonly hashing: Readonly<Record<HashPurpose, KeyObject>>;
}

/**
 * Hashes and encrypts what is stored about people. All keys come from the master secret by HKDF
 * (RFC 5869); of several secrets the first writes and every one reads.
 */
@Injectable()
export class DataProtection {
  private readonly current: DerivedKeys;
  private readonly older: readonly DerivedKeys[];

  constructor(@Inject(encryptionConfig.KEY) { secrets: [current, ...older] }: EncryptionConfig) {
    this.current = keyRing(current);
    this.older = older.map(keyRing);
  }

  /** Whether there are secrets on their way out. */
  get hasOldSecrets(): boolean {
    return this.older.length > 0;
  }

  /** HMAC-SHA-256 under the current secret, URL-safe. */
  hash(purpose: HashPurpose, text: string): string {
    return mac(this.current, purpose, text);
  }

  /** What {@link hash} gave under the secrets that are being rotated out. */
  previousHashes(purpose: HashPurpose, text: string): string[] {
    return this.older.map((ring) => mac(ring, purpose, text));
  }

  /**
   * Encrypts a text (AES-256-GCM).
   * @param context where it is stored; it opens nowhere else.
   */
  encrypt(text: string, context: string): string {
    const nonce = pooledRandomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.current.sealing, nonce).setAAD(Buffer.from(context));
    const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return `${this.current.id}.${Buffer.concat(sealed).toString('base64url')}`;
  }

  /** @throws Error if it was sealed elsewhere, changed, or sealed under a secret that is gone. */
  decrypt(sealed: string, context: string): string {
    const [id, text = ''] = sealed.split('.');
    const ring = [this.current, ...this.older].find((candidate) => candidate.id === id);
    if (!ring) throw new Error('sealed under a secret that OTP_SECRET no longer lists');
    const bytes = Buffer.from(text, 'base64url');
    const decipher = createDecipheriv(CIPHER, ring.sealing, bytes.subarray(0, NONCE_BYTES))
      .setAAD(Buffer.from(context))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    const opened = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([opened, decipher.final()]).toString('utf8');
  }
}

function mac(ring: DerivedKeys, purpose: HashPurpose, text: string): string {
  return createHmac('sha256', ring.hashing[purpose]).update(text).digest('base64url');
}

function keyRing(secret: string): DerivedKeys {
  const derive = (info: string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, '', `otp-service/${info}`, length));
  // Of bytes, Node 24 would make a key for every use of them, at ten times what that use costs.
  const keyFor = (info: string) => createSecretKey(derive(info, KEY_BYTES));
  return {
    id: derive('key-id', KEY_ID_BYTES).toString('base64url'),
    sealing: keyFor('seal'),
    hashing: Object.fromEntries(
      PURPOSES.map((purpose) => [purpose, keyFor(`hash/${purpose}`)]),
    ) as Record<HashPurpose, KeyObject>,
  };
}
