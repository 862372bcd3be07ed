import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { minutes } from '../../common/durations.js';
import type { SinchApplication } from '../../config/providers.config.js';
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
 * @param applications the callback may be signed by each of them
 * @returns why a callback is not authentic: `stale` if its signature is right, but its timestamp too far
 * from `now`; `undefined` if the callback is authentic
 */
export function findCallbackRefusal(
  { headers, body, path }: SignedCallback,
  applications: readonly SinchApplication[],
  now: number,
): 'signature' | 'stale' | undefined {
  const [, key, signature = ''] = AUTHORIZATION.exec(headers.authorization ?? '') ?? [];
  const timestamp = headers['x-timestamp'];
  if (typeof timestamp !== 'string' || !TIMESTAMP.test(timestamp)) return 'signature';
  const contentType = headers['content-type'] ?? '';
  const signed = { method: 'POST', path, contentType, timestamp, body };
  const isSigned = applications.some(
    ({ applicationKey, applicationSecret }) =>
      key === applicationKey && isEqual(signature, createSignature(signed, applicationSecret)),
  );
  if (!isSigned) return 'signature';
  // A malformed time gives NaN, for which the comparison is false.
  return Math.abs(now - Date.parse(timestamp)) <= MAX_CLOCK_SKEW_MS ? undefined : 'stale';
}

/** Compares two signatures in base64, in constant time. */
const isEqual = (signature: string, expected: string): boolean =>
  timingSafeEqual(Buffer.from(signature, 'base64'), Buffer.from(expected, 'base64'));
