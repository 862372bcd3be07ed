import type { HeaderObject, ReferenceObject } from '@nestjs/swagger';
import type { CLIENT_HEADERS } from '../http/client-headers.js';

/** The properties of a route that determine the headers of its responses. */
export interface RouteTraits {
  readonly needsApiKey: boolean;
  readonly isRateLimited?: boolean;
  readonly isIdempotent?: boolean;
}

const createTextHeader = (description: string, pattern: string, example: string): HeaderObject => ({
  description,
  schema: { type: 'string', pattern, examples: [example] },
});

const RESPONSE_HEADERS = {
  'X-Request-Id': createTextHeader(
    'Identifies the request in the log: your own id if it is valid, otherwise a new one.',
    '^[\\w.-]{11,128}$',
    '5f3c1c1e-0d7a-4f55-9d0e-3a5c2f3b9b58',
  ),
  'RateLimit-Policy': createTextHeader(
    'The limit that counted the request: its name, requests (`q`) and window in seconds (`w`).',
    '^"\\w+";q=\\d+;w=\\d+$',
    '"send";q=60;w=60',
  ),
  RateLimit: createTextHeader(
    'What remains of that limit: requests (`r`), and seconds until it resets (`t`).',
    '^"\\w+";r=\\d+;t=\\d+$',
    '"send";r=59;t=60',
  ),
  'Retry-After': {
    description: 'Seconds to wait before a retry.',
    schema: { type: 'integer', minimum: 1, examples: [30] },
  },
  'WWW-Authenticate': createTextHeader(
    'How to authenticate (RFC 6750).',
    '^Bearer( error="invalid_token")?$',
    'Bearer error="invalid_token"',
  ),
  'Accept-Encoding': createTextHeader(
    'Set if the body of the request was compressed: the accepted content coding.',
    '^identity$',
    'identity',
  ),
  'Idempotency-Replayed': createTextHeader(
    'Set on the stored response to an earlier request with the same `Idempotency-Key`.',
    '^true$',
    'true',
  ),
} as const satisfies Record<(typeof CLIENT_HEADERS)[number], HeaderObject>;

type ResponseHeaderName = keyof typeof RESPONSE_HEADERS;

/** The components that responses refer to: each header once as required and once as optional. */
export const HEADER_COMPONENTS: Readonly<Record<string, HeaderObject>> = Object.fromEntries(
  Object.entries<HeaderObject>(RESPONSE_HEADERS).flatMap(([name, header]) => [
    [name, { ...header, required: true }],
    [`${name}-Optional`, header],
  ]),
);

/** The headers of a response with this status, except those that every HTTP response has. */
export function getResponseHeaders(
  status: number,
  { needsApiKey, isRateLimited, isIdempotent }: RouteTraits,
): Record<string, ReferenceObject> {
  const headers: Record<string, ReferenceObject> = {};
  const add = (name: ResponseHeaderName, { required }: { required: boolean }): void => {
    headers[name] = { $ref: `#/components/headers/${name}${required ? '' : '-Optional'}` };
  };
  add('X-Request-Id', { required: true });
  // A too large body is rejected before the rate limit, and so is invalid HTTP with 400. At 500 and
  // 503, the counter may have failed.
  if (isRateLimited && status !== 413) {
    const required = ![400, 500, 503].includes(status);
    add('RateLimit-Policy', { required });
    add('RateLimit', { required });
  }
  if (isIdempotent && (status === 200 || status === 504))
    add('Idempotency-Replayed', { required: false });
  if (status === 415) add('Accept-Encoding', { required: false });
  // A 409 has the header while an earlier request with the same idempotency key is running, and
  // not for a verification that has ended.
  if (status === 429 || status === 503 || status === 409)
    add('Retry-After', { required: status !== 409 });
  // A 429 has the header only after too many requests without a valid API key.
  if (needsApiKey && (status === 401 || status === 429))
    add('WWW-Authenticate', { required: status === 401 });
  return headers;
}
