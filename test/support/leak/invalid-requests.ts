import type { SeededRandom } from '../seeded-random.js';
import type { RequestOptions } from './recording-client.js';

type RequestTemplate = (secret: string, inUrl: string) => RequestOptions;

const FIELDS = ['phoneNumber', 'pinId', 'otpCode', 'reference', 'channel', 'endUserIp'];
/** Of the shortest secret, more than 16 KiB. */
const TOO_OFTEN = 2_000;

/** Headers that a secret may stand in by mistake. */
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

/** Where a caller may put a secret that does not belong there. */
const SLIPS: readonly RequestTemplate[] = [
  (_secret, inUrl) => ({ method: 'GET', path: `/otp/${inUrl}` }),
  (_secret, inUrl) => ({ method: 'DELETE', path: `/otp/${inUrl}` }),
  (_secret, inUrl) => ({ method: 'GET', path: `/${inUrl}/${inUrl}` }),
  (_secret, inUrl) => ({ method: 'PUT', path: `/otp/${inUrl}`, body: {} }),
  (_secret, inUrl) => ({ path: `/otp/send/${inUrl}%zz`, body: {} }),
  (_secret, inUrl) => ({ path: `/otp/verify?phoneNumber=${inUrl}`, body: {} }),
  (_secret, inUrl) => ({ method: 'GET', path: `/otp/numbers/lookup/${inUrl}?${inUrl}` }),
  (_secret, inUrl) => ({ method: 'GET', path: `/docs/${inUrl}` }),
  (_secret, inUrl) => ({ method: 'GET', path: `/health/ready?${inUrl}` }),
  (secret) => ({ path: '/otp/send', body: `{"phoneNumber":${JSON.stringify(secret)}` }),
  (secret) => ({ path: '/otp/send', body: JSON.stringify(secret) }),
  (secret) => ({ path: '/otp/send', body: secret, headers: { 'content-type': 'text/plain' } }),
  (secret) => ({ path: '/otp/send', body: { [secret]: secret } }),
  (secret) => ({ path: '/otp/verify', body: { [secret]: { [secret]: secret } } }),
  (secret) => ({ path: '/otp/verify', body: { number: secret.repeat(TOO_OFTEN) } }),
];

const ROUTES = ['/otp/send', '/otp/verify', '/otp/resend', '/otp/numbers/lookup'];

const misplaced = (secret: string, random: SeededRandom): RequestOptions =>
  random.oneOf(SLIPS)(secret, encodeURIComponent(secret));

const inFields = (secret: string, random: SeededRandom): RequestOptions => {
  const value = random.oneOf([secret, `${secret}\0`, [secret], { secret }, Number(secret)]);
  const body = { [random.oneOf(FIELDS)]: value, [random.oneOf(FIELDS)]: secret };
  return { path: random.oneOf(ROUTES), body };
};

const inHeader = (secret: string, random: SeededRandom): RequestOptions => {
  const header = random.oneOf(HEADERS);
  // HTTP lets no more than this into one.
  const text = /^[ -~]+$/.test(secret) ? secret : encodeURIComponent(secret);
  const value = header === 'authorization' ? `Bearer ${text}` : text;
  return { path: random.oneOf(ROUTES), body: {}, headers: { [header]: value } };
};

/** A call with this secret where it does not belong, besides what the caller shows in its headers. */
export function createInvalidRequest(
  secret: string,
  shown: RequestOptions['headers'],
  random: SeededRandom,
): RequestOptions {
  const slip = random.oneOf([misplaced, inFields, inHeader])(secret, random);
  return { ...slip, headers: { ...shown, ...slip.headers } };
}
