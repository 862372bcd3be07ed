import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/** Each purpose has its own key. So a text has a different hash for each purpose. */
const HASH_PURPOSES = [
  'phone-number',
  'number-prefix',
  'end-user',
  'reference',
  'idempotency-key',
  'request',
] as const;
export type HashPurpose = (typeof HASH_PURPOSES)[number];

/** Values of each purpose are encrypted with keys of their own. */
export type EncryptionPurpose = 'verification' | 'response' | 'provider-reference';

const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
/** The daily keys of all purposes for six weeks. Deriving a key again takes microseconds. */
const MAX_CACHED_KEYS = 128;

/** The keys that HKDF (RFC 5869) derives from one master secret. */
export class DerivedKeys {
  /** Tells which secret encrypted a value. */
  readonly id: string;
  readonly hashes: Readonly<Record<HashPurpose, KeyObject>>;
  /** The key of all values before format 2. */
  readonly sharedEncryption: KeyObject;
  private readonly dailyEncryption = new Map<string, KeyObject>();

  constructor(private readonly secret: string) {
    this.id = this.deriveBytes('key-id', KEY_ID_BYTES).toString('base64url');
    this.sharedEncryption = this.deriveKey('seal');
    this.hashes = Object.fromEntries(
      HASH_PURPOSES.map((purpose) => [purpose, this.deriveKey(`hash/${purpose}`)]),
    ) as Record<HashPurpose, KeyObject>;
  }

  /** The key of one purpose and one UTC day, counted since the epoch. */
  getDailyEncryption(purpose: EncryptionPurpose, day: number): KeyObject {
    const info = `encrypt/${purpose}/${String(day)}`;
    const cached = this.dailyEncryption.get(info);
    if (cached) return cached;
    const [oldest] = this.dailyEncryption.keys();
    if (oldest !== undefined && this.dailyEncryption.size >= MAX_CACHED_KEYS) {
      this.dailyEncryption.delete(oldest);
    }
    const key = this.deriveKey(info);
    this.dailyEncryption.set(info, key);
    return key;
  }

  private deriveBytes(info: string, length: number): Buffer {
    return Buffer.from(hkdfSync('sha256', this.secret, '', `otp-service/${info}`, length));
  }

  private deriveKey(info: string): KeyObject {
    // With bytes, Node 24 creates a key object for each hash, which then takes 15 µs instead of 2.
    return createSecretKey(this.deriveBytes(info, KEY_BYTES));
  }
}
