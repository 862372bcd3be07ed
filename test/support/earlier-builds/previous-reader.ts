import { createDecipheriv, hkdfSync } from 'node:crypto';

/**
 * Decrypts as the release before does. A new release writes what this reads, so its replicas and
 * older ones can share a database. Change it only together with the fixtures of a release.
 */
export function decryptAsReleaseBefore(secret: string, sealed: string, context: string): unknown {
  const [id, text = ''] = sealed.split('.');
  const derive = (info: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', secret, '', `otp-service/${info}`, bytes));
  if (id !== derive('key-id', 4).toString('base64url')) throw new Error('another secret');
  const bytes = Buffer.from(text, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', derive('seal', 32), bytes.subarray(0, 12))
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(-16));
  const opened = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
  return JSON.parse(opened.toString('utf8'));
}
