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
  /** The public path: a proxy may have changed it. */
  readonly path: string;
}

/** @returns why a callback is not authentic: `stale` if its signature is right, but too old */
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
  const expected = createSignature(
    { method: 'POST', path, contentType, timestamp, body },
    application.applicationSecret,
  );
  const [given, wanted] = [signature, expected].map((text) => Buffer.from(text, 'base64'));
  if (!given || !wanted || !timingSafeEqual(given, wanted)) return 'signature';
  // A malformed time gives NaN, for which the comparison is false.
  return Math.abs(now - Date.parse(timestamp)) <= MAX_CLOCK_SKEW_MS ? undefined : 'stale';
}
