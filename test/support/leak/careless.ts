import type { Random } from '../crash/random.js';
import type { Call } from './caller.js';

type Slip = (secret: string, inUrl: string) => Call;

const FIELDS = ['phoneNumber', 'pinId', 'otpCode', 'reference', 'channel', 'endUserIp'];
const MORE_THAN_READ = 17 * 1024;

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
const SLIPS: readonly Slip[] = [
  (_secret, inUrl) => ({ method: 'GET', path: `/otp/${inUrl}` }),
  (_secret, inUrl) => ({ method: 'DELETE', path: `/otp/${inUrl}` }),
  (_secret, inUrl) => ({ method: 'GET', path: `/${inUrl}/${inUrl}` }),
  (_secret, inUrl) => ({ method: 'PUT', path: `/otp/${inUrl}`, body: {} }),
  (_secret, inUrl) => ({ path: `/otp/send/${inUrl}%zz`, body: {} }),
  (_secret, inUrl) => ({ path: `/otp/verify?phoneNumber=${inUrl}`, body: {} }),
  (_secret, inUrl) => ({ method: 'GET', path: `/otp/numbers/lookup/${inUrl}?${inUrl}` }),
  (_secret, inUrl) => ({ method: 'GET', path: `/docs/${inUrl}` }),
  (secret) => ({ path: '/otp/send', body: `{"phoneNumber":${JSON.stringify(secret)}` }),
  (secret) => ({ path: '/otp/send', body: JSON.stringify(secret) }),
  (secret) => ({ path: '/otp/send', body: secret, headers: { 'content-type': 'text/plain' } }),
  (secret) => ({ path: '/otp/send', body: { [secret]: secret } }),
  (secret) => ({ path: '/otp/verify', body: { [secret]: { [secret]: secret } } }),
  (secret) => ({ path: '/otp/verify', body: { number: secret.repeat(MORE_THAN_READ) } }),
];

const ROUTES = ['/otp/send', '/otp/verify', '/otp/resend', '/otp/numbers/lookup'];

/** A call with this secret somewhere where it does not belong, and what else this caller shows. */
export function carelessCall(
  secret: string,
  owner: Readonly<Record<string, string>>,
  random: Random,
): Call {
  const kind = random.between(1, 3);
  if (kind === 1) {
    const slip = random.oneOf(SLIPS)(secret, encodeURIComponent(secret));
    return { ...slip, headers: { ...owner, ...slip.headers } };
  }
  const path = random.oneOf(ROUTES);
  if (kind === 2) {
    const field = random.oneOf(FIELDS);
    const value = random.oneOf([secret, `${secret}\0`, [secret], { secret }, Number(secret)]);
    return { path, body: { [field]: value, [random.oneOf(FIELDS)]: secret }, headers: owner };
  }
  const header = random.oneOf(HEADERS);
  return { path, body: {}, headers: { ...owner, [header]: inHeader(secret, header) } };
}

/** HTTP lets no more than this into a header. */
function inHeader(secret: string, header: string): string {
  const text = /^[ -~]+$/.test(secret) ? secret : encodeURIComponent(secret);
  return header === 'authorization' ? `Bearer ${text}` : text;
}
