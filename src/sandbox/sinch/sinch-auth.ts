import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { SinchError } from './sinch-error.js';

export interface SinchApplication {
  readonly key: string;
  /** In base64. */
  readonly secret: string;
}

/** A request as it came over the wire. */
export interface RawRequest {
  readonly method: string;
  /** With its query, if it has one. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const MAX_CLOCK_SKEW_MS = 5 * 60_000;
const TIMESTAMP_PATTERN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]00:?00)$/;

/**
 * Judges who asks: an application by its signature, or by key and secret (Basic). A key alone is
 * how mobile apps ask, which needs a callback to approve; there is none here.
 * @param now milliseconds since the epoch, of the machine: a client signs with its own clock.
 * @throws SinchError 40100, 40101, 40102, 40108 or 40303
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
      const given = Buffer.from(credential, 'base64').toString();
      if (!isEqual(given, `${application.key}:${application.secret}`)) throw new SinchError(40108);
      return;
    }
    default:
      throw new SinchError(40100);
  }
}

function checkSignature(given: string, request: RawRequest, secret: string, now: number): void {
  const { method, url, headers, body } = request;
  const timestamp = getHeader(headers['x-timestamp']);
  const skewMs = TIMESTAMP_PATTERN.test(timestamp) ? Math.abs(now - Date.parse(timestamp)) : NaN;
  if (!(skewMs <= MAX_CLOCK_SKEW_MS)) throw new SinchError(40101);
  const signed = [
    method,
    body === '' ? '' : createHash('md5').update(body).digest('base64'),
    getHeader(headers['content-type']),
    `x-timestamp:${timestamp}`,
    url.split('?', 1)[0],
  ].join('\n');
  const key = Buffer.from(secret, 'base64');
  const expected = createHmac('sha256', key).update(signed).digest('base64');
  if (!isEqual(given, expected)) throw new SinchError(40102);
}

function isEqual(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

const getHeader = (header: string | string[] | undefined): string =>
  typeof header === 'string' ? header : '';
