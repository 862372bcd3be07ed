import { createDecipheriv, hkdfSync } from 'node:crypto';

/** The context with which the previous release authenticates an encrypted value. */
export interface PreviousReleaseContext {
  readonly purpose: string;
  readonly client: string;
  readonly record: readonly string[];
}

/**
 * Decrypts a value as the previous release does. A new release must write values in this format, so
 * that replicas of both releases can share a database. Change this function only when a release
 * adds its databases to `test/fixtures/earlier-builds`.
 */
export function decryptAsPreviousRelease(
  secret: string,
  encrypted: string,
  { purpose, client, record }: PreviousReleaseContext,
): unknown {
  const [id, data = '', format] = encrypted.split('.');
  const derive = (info: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', secret, '', `otp-service/${info}`, bytes));
  if (id !== derive('key-id', 4).toString('base64url')) throw new Error('another secret');
  if (format !== '2') throw new Error('another format');
  const bytes = Buffer.from(data, 'base64url');
  const day = bytes.readUInt32BE();
  const key = derive(`encrypt/${purpose}/${String(day)}`, 32);
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(4, 16))
    .setAAD(Buffer.from(JSON.stringify([2, purpose, day, client, record])))
    .setAuthTag(bytes.subarray(-16));
  const decrypted = Buffer.concat([decipher.update(bytes.subarray(16, -16)), decipher.final()]);
  return JSON.parse(decrypted.toString('utf8'));
}
