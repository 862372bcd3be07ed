import { SINCH_APPLICATION } from '../defaults.js';
import { SinchError } from './sinch-error.js';
import { signSinchRequest } from './sinch-signature.js';

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
 * @throws SinchError with HTTP status 401, or 403 for a key without signature. The error codes are in
 *   `sinch-error.ts`.
 */
export function authenticateSinch(request: RawRequest): void {
  const [, scheme = '', credential = ''] =
    /^(\S+) +(\S+)$/.exec(getHeader(request.headers['authorization'])) ?? [];
  switch (scheme.toLowerCase()) {
    case 'application': {
      const [key, signature] = credential.split(':', 2);
      if (key !== SINCH_APPLICATION.key) throw new SinchError(40108);
      if (!signature) throw new SinchError(40303);
      checkSignature(signature, request);
      return;
    }
    case 'basic': {
      const submitted = Buffer.from(credential, 'base64').toString();
      if (submitted !== `${SINCH_APPLICATION.key}:${SINCH_APPLICATION.secret}`)
        throw new SinchError(40108);
      return;
    }
    default:
      throw new SinchError(40100);
  }
}

function checkSignature(signature: string, { method, url, headers, body }: RawRequest): void {
  const timestamp = getHeader(headers['x-timestamp']);
  // The system time: a test may have moved the sandbox's clock, but clients sign with the real time.
  const time = TIMESTAMP_PATTERN.test(timestamp) ? Date.parse(timestamp) : NaN;
  const skewMs = Math.abs(Date.now() - time);
  // A malformed timestamp gives NaN, for which every comparison is false.
  if (!(skewMs <= MAX_CLOCK_SKEW_MS)) throw new SinchError(40101);
  const contentType = getHeader(headers['content-type']);
  const input = { method, url, contentType, timestamp, body };
  const expected = signSinchRequest(input, SINCH_APPLICATION.secret);
  if (signature !== expected) throw new SinchError(40102);
}

/** @returns an empty text for a missing or repeated header */
const getHeader = (header: string | string[] | undefined): string =>
  typeof header === 'string' ? header : '';
