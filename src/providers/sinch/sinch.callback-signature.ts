import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { minutes } from '../../common/durations.js';
import { createSignature } from './sinch.signature.js';

/** How far the timestamp of a callback may be from the system time. */
const MAX_CLOCK_SKEW_MS = minutes(5);
const AUTHORIZATION = /^Application ([^:\s]+):([A-Za-z\d+/]{43}=)$/i;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]00:?00)$/;

/** A callback, and what its signature must cover. */
export interface SignedCallback {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The public path, which Sinch signs: a proxy may have changed that of the request. */
  readonly path: string;
}

/**
 * @returns why a callback is not authentic: `stale` if its signature is right, but its timestamp too far
 * from `now`; `undefined` if the callback is authentic
 */
export function findCallbackRefusal(
  { headers, body, path }: SignedCallback,
  application: { readonly applicationKey: string; readonly applicationSecret: string },
  now: number,
): 'signature' | 'stale' | undefined {
  const [, key, signature = ''] = AUTHORIZATION.exec(headers.authorization ?? '') ?? [];
  const timestamp = headers['x-timestamp'];
  if (key !== application.applicationKey) return 'signature';
  if (typeof timestamp !== 'string' || !TIMESTAMP.test(timestamp)) return 'signature';
  const contentType = headers['content-type'] ?? '';
  const expectedSignature = createSignature(
    { method: 'POST', path, contentType, timestamp, body },
    application.applicationSecret,
  );
  const [actual, expected] = [signature, expectedSignature].map((text) =>
    Buffer.from(text, 'base64'),
  );
  if (!actual || !expected || !timingSafeEqual(actual, expected)) return 'signature';
  // A malformed time gives NaN, for which the comparison is false.
  return Math.abs(now - Date.parse(timestamp)) <= MAX_CLOCK_SKEW_MS ? undefined : 'stale';
}
