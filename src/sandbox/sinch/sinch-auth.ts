import { timingSafeEqual } from 'node:crypto';
import { SinchError } from './sinch-error.js';
import { signSinchRequest } from './sinch-signature.js';

/** The credentials of an application. */
export interface SinchApplication {
  readonly key: string;
  /** Base64. */
  readonly secret: string;
}

/** A request as it was received, because the signature covers the exact body. */
export interface RawRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const MAX_CLOCK_SKEW_MS = 5 * 60_000;
/** ISO 8601 with the time zone UTC. */
const TIMESTAMP_PATTERN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]00:?00)$/;

/**
 * Authenticates an application by its signature, or by key and secret (Basic).
 * Rejects a key without signature, which mobile apps send: the sandbox is for backends.
 * @param now the system time, in milliseconds since the epoch. The sandbox's clock is not used, because a
 *   test may have moved it, but clients sign with the real time.
 * @throws SinchError with HTTP status 401, or 403 for a key without signature. The error codes are in
 *   `sinch-error.ts`.
 */
export function authenticateSinch(
  request: RawRequest,
  application: SinchApplication,
  now: number,
): void {
  const [, scheme = '', credential = ''] =
    /^(\S+) +(\S+)$/.exec(getHeader(request.headers['authorization'])) ?? [];
  switch (scheme.toLowerCase()) {
    case 'application': {
      const [key, signature] = credential.split(':', 2);
      if (key !== application.key) throw new SinchError(40108);
      if (!signature) throw new SinchError(40303);
      checkSignature(signature, request, application.secret, now);
      return;
    }
    case 'basic': {
      const submitted = Buffer.from(credential, 'base64').toString();
      if (!isEqual(submitted, `${application.key}:${application.secret}`))
        throw new SinchError(40108);
      return;
    }
    default:
      throw new SinchError(40100);
  }
}

function checkSignature(signature: string, request: RawRequest, secret: string, now: number): void {
  const { method, url, headers, body } = request;
  const timestamp = getHeader(headers['x-timestamp']);
  const skewMs = TIMESTAMP_PATTERN.test(timestamp) ? Math.abs(now - Date.parse(timestamp)) : NaN;
  // A malformed timestamp gives NaN, for which every comparison is false.
  if (!(skewMs <= MAX_CLOCK_SKEW_MS)) throw new SinchError(40101);
  const contentType = getHeader(headers['content-type']);
  const expected = signSinchRequest({ method, url, contentType, timestamp, body }, secret);
  if (!isEqual(signature, expected)) throw new SinchError(40102);
}

function isEqual(value: string, expected: string): boolean {
  const [left, right] = [Buffer.from(value), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** @returns an empty text for a missing or repeated header */
const getHeader = (header: string | string[] | undefined): string =>
  typeof header === 'string' ? header : '';
