import type { Header, Reference } from './document.js';
import type { Endpoint } from './endpoint.js';

const text = (description: string, pattern: string, example: string): Header => ({
  description,
  schema: { type: 'string', pattern, examples: [example] },
});

/** Headers that mean something to a caller. */
export const TELLING_HEADERS = {
  'X-Request-Id': text(
    'Names the request in the log: your own id, if it was well-formed and looks like no number and no key, or a new one.',
    '^[\\w.-]{11,128}$',
    '5f3c1c1e-0d7a-4f55-9d0e-3a5c2f3b9b58',
  ),
  'RateLimit-Policy': text(
    'The quota that the request counted against: its name, requests (`q`) and window in seconds (`w`).',
    '^"\\w+";q=\\d+;w=\\d+$',
    '"send";q=60;w=60',
  ),
  RateLimit: text(
    'What is left of that quota: requests (`r`), and seconds until it is renewed (`t`).',
    '^"\\w+";r=\\d+;t=\\d+$',
    '"send";r=59;t=60',
  ),
  'Retry-After': {
    description: 'Seconds to wait before asking again.',
    schema: { type: 'integer', minimum: 1, examples: [30] },
  },
  'WWW-Authenticate': text(
    'How to show who calls (RFC 6750).',
    '^Bearer( error="invalid_token")?$',
    'Bearer error="invalid_token"',
  ),
  'Idempotency-Replayed': text(
    'Comes with an answer that an earlier request with the same `Idempotency-Key` had.',
    '^true$',
    'true',
  ),
} as const satisfies Readonly<Record<string, Header>>;

type Name = keyof typeof TELLING_HEADERS;
type References = Readonly<Partial<Record<Name, Reference>>>;

/** Headers that come with all answers of some status. */
const SURE: readonly Name[] = [
  'X-Request-Id',
  'RateLimit-Policy',
  'RateLimit',
  'Retry-After',
  'WWW-Authenticate',
];

/** Headers that come with some of them. */
const UNSURE: readonly Name[] = [
  'RateLimit-Policy',
  'RateLimit',
  'Retry-After',
  'WWW-Authenticate',
  'Idempotency-Replayed',
];

/** By the names that answers refer to them by. */
export const HEADERS: Readonly<Record<string, Header>> = {
  ...byName(SURE, (name) => [name, { ...TELLING_HEADERS[name], required: true }]),
  ...byName(UNSURE, (name) => [`${name}-Perhaps`, TELLING_HEADERS[name]]),
};

function byName<T>(
  names: readonly Name[],
  entry: (name: Name) => [key: string, value: T],
): Record<string, T> {
  return Object.fromEntries(names.map(entry));
}

const always = (...names: Name[]): References => referTo(names, '');
const perhaps = (...names: Name[]): References => referTo(names, '-Perhaps');

const referTo = (names: readonly Name[], suffix: string): References =>
  byName(names, (name) => [name, { $ref: `#/components/headers/${name}${suffix}` }]);

/** The headers that come with an answer of this status, beside what every HTTP answer has. */
export function headersOf(status: number, { limited, keyed, open }: Endpoint): References {
  return {
    ...always('X-Request-Id'),
    ...(limited && quotaHeaders(status)),
    ...(keyed && (status === 200 || status === 504) && perhaps('Idempotency-Replayed')),
    ...waitHeaders(status),
    ...(!open && identityHeaders(status)),
  };
}

/** A body that is too large is refused before anybody counts, and a counter may be what failed. */
function quotaHeaders(status: number): References {
  if (status === 413) return {};
  const sure = status === 500 || status === 503 ? perhaps : always;
  return sure('RateLimit-Policy', 'RateLimit');
}

function waitHeaders(status: number): References {
  if (status === 429 || status === 503) return always('Retry-After');
  // Only of a request that is still running, not of a code that has ended.
  return status === 409 ? perhaps('Retry-After') : {};
}

function identityHeaders(status: number): References {
  if (status === 401) return always('WWW-Authenticate');
  // Only of too many requests without a good key.
  return status === 429 ? perhaps('WWW-Authenticate') : {};
}
