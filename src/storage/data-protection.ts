import { createHmac } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { hours } from '../common/durations.js';
import { encryptionConfig, type EncryptionConfig } from '../config/encryption.config.js';
import { encryptText, tryDecryptText } from './authenticated-encryption.js';
import { DerivedKeys, type EncryptionPurpose, type HashPurpose } from './derived-keys.js';
import { UnreadableDataError } from './unreadable-data.error.js';

/**
 * Encrypted values are `<key id>.<data>.<format>`; the oldest values have no format. The data is
 * nonce, ciphertext and tag. In format 2, the UTC day of the key comes before them.
 */
const ENCRYPTED_VALUE = /^(?<id>[\w-]+)\.(?<data>[\w-]+)(?:\.(?<format>\d+))?$/;
const DAY_BYTES = 4;

/** What a value is bound to: with another context, it cannot be decrypted. */
export interface EncryptedValueContext {
  readonly purpose: EncryptionPurpose;
  readonly client: string;
  /** Identifies the owner of the value, such as a `pinId`. Several parts have a fixed order. */
  readonly record: readonly string[];
}

/**
 * The texts that earlier releases bound a value to: in format 1 the first text, without a format
 * any of them.
 */
export type EarlierValueContexts = readonly [string, ...string[]];

/**
 * Hashes and encrypts stored personal data. All keys are derived from the master secrets. New
 * values get keys of the first secret; values of all secrets can be read.
 */
@Injectable()
export class DataProtection {
  private readonly current: DerivedKeys;
  private readonly older: readonly DerivedKeys[];

  constructor(
    @Inject(encryptionConfig.KEY) { secrets: [current, ...older] }: EncryptionConfig,
    private readonly clock: Clock,
  ) {
    this.current = new DerivedKeys(current);
    this.older = older.map((secret) => new DerivedKeys(secret));
  }

  /** Whether `OTP_SECRET` still lists old secrets. */
  get hasOldSecrets(): boolean {
    return this.older.length > 0;
  }

  /** HMAC-SHA-256 under the current secret, as base64url. */
  hash(purpose: HashPurpose, text: string): string {
    return computeMac(this.current, purpose, text);
  }

  /** The hashes under the old secrets. */
  getPreviousHashes(purpose: HashPurpose, text: string): string[] {
    return this.older.map((keys) => computeMac(keys, purpose, text));
  }

  /** The hash under the current secret, then those under old ones. */
  getAllHashes(purpose: HashPurpose, text: string): [string, ...string[]] {
    return [this.hash(purpose, text), ...this.getPreviousHashes(purpose, text)];
  }

  /** Encrypts a value as JSON, in format 2. */
  encrypt(value: unknown, context: EncryptedValueContext): string {
    const day = Math.floor(this.clock.now() / hours(24));
    const dayBytes = Buffer.allocUnsafe(DAY_BYTES);
    dayBytes.writeUInt32BE(day);
    const key = this.current.getDailyEncryption(context.purpose, day);
    const parts = encryptText(key, JSON.stringify(value), toAuthenticatedText(context, day));
    const data = Buffer.concat([dayBytes, ...parts]).toString('base64url');
    return `${this.current.id}.${data}.2`;
  }

  /** The key id of an encrypted value, if none of the secrets has it. */
  findUnknownKeyId(encrypted: string): string | undefined {
    const id = ENCRYPTED_VALUE.exec(encrypted)?.groups?.['id'];
    return this.findKeys(id) ? undefined : id;
  }

  /** Decrypts a value of any format, and checks its shape. */
  decrypt<T>(
    encrypted: string,
    context: EncryptedValueContext,
    hasShape: (value: unknown) => value is T,
    earlierContexts: EarlierValueContexts,
  ): T | UnreadableDataError {
    const { id, data, format = 'none' } = ENCRYPTED_VALUE.exec(encrypted)?.groups ?? {};
    if (data === undefined) return new UnreadableDataError('corrupted');
    if (!isFormat(format)) return new UnreadableDataError('unknown_format');
    const keys = this.findKeys(id);
    if (!keys) return new UnreadableDataError('unknown_secret');
    const json = DECRYPT[format](keys, Buffer.from(data, 'base64url'), context, earlierContexts);
    if (json === undefined) return new UnreadableDataError('corrupted');
    const value = tryParseJson(json);
    return hasShape(value) ? value : new UnreadableDataError('unexpected_shape');
  }

  private findKeys(id: string | undefined): DerivedKeys | undefined {
    return [this.current, ...this.older].find((keys) => keys.id === id);
  }
}

/** @returns the JSON; `undefined` if the data was changed, or is bound to another context */
type EncryptedFormatReader = (
  keys: DerivedKeys,
  data: Buffer,
  context: EncryptedValueContext,
  earlierContexts: EarlierValueContexts,
) => string | undefined;

const DECRYPT = {
  none: (keys, data, _context, earlierContexts) =>
    earlierContexts
      .map((context) => tryDecryptText(keys.sharedEncryption, data, context))
      .find((json) => json !== undefined),
  1: (keys, data, _context, [context]) => tryDecryptText(keys.sharedEncryption, data, context),
  2: decryptDaily,
} satisfies Record<string, EncryptedFormatReader>;

const isFormat = (format: string): format is `${keyof typeof DECRYPT}` =>
  Object.hasOwn(DECRYPT, format);

function decryptDaily(
  keys: DerivedKeys,
  data: Buffer,
  context: EncryptedValueContext,
): string | undefined {
  if (data.length < DAY_BYTES) return undefined;
  const day = data.readUInt32BE();
  const key = keys.getDailyEncryption(context.purpose, day);
  return tryDecryptText(key, data.subarray(DAY_BYTES), toAuthenticatedText(context, day));
}

/** JSON, so that no two contexts have the same text. */
const toAuthenticatedText = (
  { purpose, client, record }: EncryptedValueContext,
  day: number,
): string => JSON.stringify([2, purpose, day, client, record]);

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const computeMac = (keys: DerivedKeys, purpose: HashPurpose, text: string): string =>
  createHmac('sha256', keys.hashes[purpose]).update(text).digest('base64url');
