import { hours, seconds } from '../common/durations.js';
import { ProviderError } from './provider-error.js';

/** A vendor's HTTP answer, whatever its status. `body` is parsed JSON, or the text that was none. */
export interface ProviderResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/**
 * What an answer's HTTP status says of a call that failed.
 * @param evidence for the log, if the vendor says more than the status does.
 */
export function errorFromStatus(
  status: number,
  { headers }: ProviderResponse,
  evidence = status,
): ProviderError {
  switch (true) {
    case status === 401 || status === 403:
      return new ProviderError('unauthorized', { detail: evidence });
    case status === 429:
      return new ProviderError('throttled', {
        detail: evidence,
        retryAfterMs: retryAfter(headers),
      });
    case status >= 500:
      return new ProviderError('server_error', { detail: evidence });
    case status >= 400:
      return new ProviderError('rejected', { detail: evidence });
    default:
      return new ProviderError('invalid_response', { detail: evidence });
  }
}

/** What an answer says that wants fewer requests about one number. */
export function numberRateLimited({ headers }: ProviderResponse, evidence: number): ProviderError {
  return new ProviderError('number_throttled', {
    detail: evidence,
    retryAfterMs: retryAfter(headers),
  });
}

/** The JSON object of an answer. @throws ProviderError `invalid_response` for anything else. */
export function requireObject({ body }: ProviderResponse): object {
  if (typeof body !== 'object' || body === null) throw new ProviderError('invalid_response');
  return body;
}

/** The vendor's `Retry-After`, seconds or a date (RFC 9110 §10.2.3); one of over an hour is cut to that. */
function retryAfter(headers: ProviderResponse['headers']): number | undefined {
  const wanted = headers['retry-after'];
  if (typeof wanted !== 'string') return undefined;
  if (/^\d+$/.test(wanted)) return Math.min(seconds(Number(wanted)), hours(1));
  const leftMs = wanted.endsWith(' GMT') ? Date.parse(wanted) - Date.now() : NaN;
  return Number.isNaN(leftMs) ? undefined : Math.min(Math.max(0, leftMs), hours(1));
}
