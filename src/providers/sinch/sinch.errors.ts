import { errorFromStatus, numberRateLimited, type ProviderResponse } from '../provider-response.js';
import { ProviderError } from '../provider-error.js';
import type { ErrorBody } from './sinch.types.js';

const PARAMETER_VALIDATION = 40001;
const NUMBER_MISSING_LEADING_PLUS = 40005;
const NOT_ENOUGH_CREDIT = 40200;
const RESOURCE_NOT_FOUND = 40400;
const VELOCITY_CONSTRAINT = 42901;

/**
 * The vendor's own code for what went wrong, if the answer has one: a 200 may be an error too
 * (contract §3, §7).
 */
export function getErrorCode({ body }: ProviderResponse): number | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const code = String((body as ErrorBody).errorCode);
  return /^[1-5]\d{4}$/.test(code) ? Number(code) : undefined;
}

/** Turns an answer that is an error into a failure. */
export function toProviderError(answer: ProviderResponse): ProviderError {
  const code = getErrorCode(answer);
  // What a broken server says of itself is no reason to think that nothing was sent.
  if (code === undefined || answer.status >= 500) return errorFromStatus(answer.status, answer);
  if (code === NOT_ENOUGH_CREDIT) return new ProviderError('not_accepted', { detail: code });
  if (code === VELOCITY_CONSTRAINT) return numberRateLimited(answer, code);
  // Its first three digits are the HTTP status that it stands for.
  return errorFromStatus(Math.floor(code / 100), answer, code);
}

/** As {@link toProviderError}, of a start: all in it that can be wrong is the number. */
export function startError(answer: ProviderResponse): ProviderError {
  const code = getErrorCode(answer);
  return answer.status < 500 &&
    (code === PARAMETER_VALIDATION || code === NUMBER_MISSING_LEADING_PLUS)
    ? new ProviderError('destination_unreachable', { detail: code })
    : toProviderError(answer);
}

/** The API's own word, not a gateway's, that it has no such verification, or none that is open. */
export function isNotFound(answer: ProviderResponse): boolean {
  return getErrorCode(answer) === RESOURCE_NOT_FOUND;
}
