import { hours, seconds } from '../common/durations.js';
import { ProviderError } from './provider-error.js';

/** A provider's HTTP response of any status. `body` is parsed JSON, or the text if it is not JSON. */
export interface ProviderResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

export const isSuccess = ({ status }: ProviderResponse): boolean => status >= 200 && status <= 299;

/**
 * The error for an HTTP status.
 * @param status of the response, or the one that the provider's error code stands for
 * @param detail for the log: the provider's error code, if there is one
 */
export function toStatusError(
  status: number,
  { headers }: ProviderResponse,
  detail = status,
): ProviderError {
  if (status === 401 || status === 403) return new ProviderError('unauthorized', { detail });
  if (status === 429) {
    return new ProviderError('throttled', { detail, retryAfterMs: parseRetryAfter(headers) });
  }
  if (status >= 500) return new ProviderError('server_error', { detail });
  return new ProviderError(status >= 400 ? 'rejected' : 'invalid_response', { detail });
}

/** The error for a response that reports too many requests for one phone number. */
export function toNumberLimitError({ headers }: ProviderResponse, detail: number): ProviderError {
  return new ProviderError('number_throttled', { detail, retryAfterMs: parseRetryAfter(headers) });
}

/** An id that is safe in a URL path: no character to escape, not `.` or `..` (RFC 3986 §2.3, §5.2.4). */
const PROVIDER_PIN_ID = /^(?!\.\.?$)[\w.~-]{1,128}$/;

/** The provider's id of a code. @throws ProviderError `invalid_response` for anything else. */
export function requireProviderPinId(id: unknown): string {
  if (typeof id === 'string' && PROVIDER_PIN_ID.test(id)) return id;
  throw new ProviderError('invalid_response');
}

/** The JSON object or array in the body. @throws ProviderError `invalid_response` for anything else. */
export function requireObject({ body }: ProviderResponse): object {
  if (typeof body !== 'object' || body === null) throw new ProviderError('invalid_response');
  return body;
}

/**
 * When the provider responded, by its clock (`Date`, RFC 9110 §6.6.1): in milliseconds since the epoch,
 * rounded down to a second.
 * @throws ProviderError `invalid_response` without a valid `Date`
 */
export function requireProviderTime({ headers }: ProviderResponse): number {
  const time = parseHttpDate(headers['date']);
  if (Number.isNaN(time)) throw new ProviderError('invalid_response');
  return time;
}

/**
 * `Retry-After` in milliseconds, from seconds or a date (RFC 9110 §10.2.3); at most one hour. A date
 * is compared with the `Date` of the response (§6.6.1), since this machine's clock may be wrong. Without
 * `Date`, this clock is used.
 */
function parseRetryAfter(headers: ProviderResponse['headers']): number | undefined {
  const value = headers['retry-after'];
  if (typeof value !== 'string') return undefined;
  if (/^\d+$/.test(value)) return Math.min(seconds(Number(value)), hours(1));
  const sentAt = parseHttpDate(headers['date']);
  const leftMs = parseHttpDate(value) - (Number.isNaN(sentAt) ? Date.now() : sentAt);
  return Number.isNaN(leftMs) ? undefined : Math.min(Math.max(0, leftMs), hours(1));
}

/** An HTTP date (RFC 9110 §5.6.7) in milliseconds since the epoch; NaN if it is none. */
const parseHttpDate = (value: unknown): number =>
  typeof value === 'string' && value.endsWith(' GMT') ? Date.parse(value) : NaN;
