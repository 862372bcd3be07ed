import { ProviderError } from '../provider-error.js';
import { toStatusError, toNumberLimitError, type ProviderResponse } from '../provider-response.js';
import type { SinchErrorBody } from './sinch.types.js';

const PARAMETER_VALIDATION = 40001;
const INVALID_AUTHORIZATION_KEY = 40004;
const NUMBER_MISSING_LEADING_PLUS = 40005;
const NOT_ENOUGH_CREDIT = 40200;
const RESOURCE_NOT_FOUND = 40400;
const VELOCITY_CONSTRAINT = 42901;

/** Sinch's error code; `undefined` if the response has none. Even a 200 may have one. */
export function getErrorCode({ body }: ProviderResponse): number | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const code = String((body as SinchErrorBody).errorCode);
  return /^[1-5]\d{4}$/.test(code) ? Number(code) : undefined;
}

/** The error for a response that reports an error. */
export function toProviderError(response: ProviderResponse): ProviderError {
  const code = getErrorCode(response);
  // The error code of a failing server does not prove that nothing was sent.
  if (code === undefined || response.status >= 500) return toStatusError(response.status, response);
  if (code === INVALID_AUTHORIZATION_KEY)
    return new ProviderError('unauthorized', { detail: code });
  if (code === NOT_ENOUGH_CREDIT) return new ProviderError('not_accepted', { detail: code });
  if (code === VELOCITY_CONSTRAINT) return toNumberLimitError(response, code);
  // The first three digits are the HTTP status that the code stands for.
  return toStatusError(Math.floor(code / 100), response, code);
}

/** As {@link toProviderError}, for the start of a verification. There only the number can be invalid. */
export function toStartError(response: ProviderResponse): ProviderError {
  const code = getErrorCode(response);
  return response.status < 500 &&
    (code === PARAMETER_VALIDATION || code === NUMBER_MISSING_LEADING_PLUS)
    ? new ProviderError('destination_unreachable', { detail: code })
    : toProviderError(response);
}

/** Whether the API itself, not a gateway, reports that it has no such open verification. */
export const isNotFound = (response: ProviderResponse): boolean =>
  getErrorCode(response) === RESOURCE_NOT_FOUND;
