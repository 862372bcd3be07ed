import type { SeededRandom } from '../seeded-random.js';
import type { RequestOptions } from './recording-client.js';

/** Creates a request with a secret; `encoded` is the secret as a part of a URL. */
type RequestTemplate = (secret: string, encoded: string) => RequestOptions;

const FIELDS = ['phoneNumber', 'pinId', 'otpCode', 'reference', 'channel', 'endUserIp'];
/** Repeated so often, even the shortest secret is longer than the 16 KiB that a body may have. */
const REPEATS_OF_OVERSIZED = 2_000;

/** Headers that may contain a secret by mistake. */
const HEADERS = [
  'accept',
  'authorization',
  'content-type',
  'cookie',
  'idempotency-key',
  'origin',
  'referer',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-forwarded-for',
  'x-request-id',
];

/** Invalid requests with a secret in the wrong place. */
const TEMPLATES: readonly RequestTemplate[] = [
  (_secret, encoded) => ({ method: 'GET', path: `/otp/${encoded}` }),
  (_secret, encoded) => ({ method: 'DELETE', path: `/otp/${encoded}` }),
  (_secret, encoded) => ({ method: 'GET', path: `/${encoded}/${encoded}` }),
  (_secret, encoded) => ({ method: 'PUT', path: `/otp/${encoded}`, body: {} }),
  (_secret, encoded) => ({ path: `/otp/send/${encoded}%zz`, body: {} }),
  (_secret, encoded) => ({ path: `/otp/verify?phoneNumber=${encoded}`, body: {} }),
  (_secret, encoded) => ({ method: 'GET', path: `/otp/numbers/lookup/${encoded}?${encoded}` }),
  (_secret, encoded) => ({ method: 'GET', path: `/docs/${encoded}` }),
  (_secret, encoded) => ({ method: 'GET', path: `/health/ready?${encoded}` }),
  (secret) => ({ path: '/otp/send', body: `{"phoneNumber":${JSON.stringify(secret)}` }),
  (secret) => ({ path: '/otp/send', body: JSON.stringify(secret) }),
  (secret) => ({ path: '/otp/send', body: secret, headers: { 'content-type': 'text/plain' } }),
  (secret) => ({ path: '/otp/send', body: { [secret]: secret } }),
  (secret) => ({ path: '/otp/verify', body: { [secret]: { [secret]: secret } } }),
  (secret) => ({ path: '/otp/verify', body: { number: secret.repeat(REPEATS_OF_OVERSIZED) } }),
];

const ROUTES = ['/otp/send', '/otp/verify', '/otp/resend', '/otp/numbers/lookup'];

const fromTemplate = (secret: string, random: SeededRandom): RequestOptions =>
  random.oneOf(TEMPLATES)(secret, encodeURIComponent(secret));

const withSecretInFields = (secret: string, random: SeededRandom): RequestOptions => {
  const value = random.oneOf([secret, `${secret}\0`, [secret], { secret }, Number(secret)]);
  const body = { [random.oneOf(FIELDS)]: value, [random.oneOf(FIELDS)]: secret };
  return { path: random.oneOf(ROUTES), body };
};

const withSecretInHeader = (secret: string, random: SeededRandom): RequestOptions => {
  const header = random.oneOf(HEADERS);
  // HTTP headers allow printable ASCII only.
  const text = /^[ -~]+$/.test(secret) ? secret : encodeURIComponent(secret);
  const value = header === 'authorization' ? `Bearer ${text}` : text;
  return { path: random.oneOf(ROUTES), body: {}, headers: { [header]: value } };
};

/**
 * Creates an invalid request with the secret where it does not belong.
 * @param headers the client's usual headers
 */
export function createInvalidRequest(
  secret: string,
  headers: RequestOptions['headers'],
  random: SeededRandom,
): RequestOptions {
  const request = random.oneOf([fromTemplate, withSecretInFields, withSecretInHeader])(
    secret,
    random,
  );
  return { ...request, headers: { ...headers, ...request.headers } };
}
