import { createDecipheriv, hkdfSync } from 'node:crypto';

/** What the release before binds a value to. */
export interface PreviousReleaseContext {
  readonly purpose: string;
  readonly client: string;
  readonly record: readonly string[];
}

/**
 * Decrypts as the release before does. A new release writes what this reads, so its replicas and
 * older ones can share a database. Change it only together with the fixtures of a release.
 */
export function decryptAsReleaseBefore(
  secret: string,
  sealed: string,
  { purpose, client, record }: PreviousReleaseContext,
): unknown {
  const [id, data = '', format] = sealed.split('.');
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
  const opened = Buffer.concat([decipher.update(bytes.subarray(16, -16)), decipher.final()]);
  return JSON.parse(opened.toString('utf8'));
}
