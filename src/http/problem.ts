import { HttpException } from '@nestjs/common';
import { DomainError } from '../common/domain-error.js';
import { describeError, ERROR_CATALOG, type ErrorCode } from '../common/error-catalog.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

const CODE_BY_HTTP_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'malformed_body',
  404: 'not_found',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
};

/** Converts a thrown value. Errors of the framework are replaced: they may quote the URL or the body. */
export function toDomainError(thrown: unknown): DomainError {
  if (thrown instanceof DomainError) return thrown;
  if (!(thrown instanceof HttpException))
    return new DomainError('internal_error', { cause: thrown });
  const status = thrown.getStatus();
  const code = CODE_BY_HTTP_STATUS[status];
  if (code) return new DomainError(code);
  return new DomainError('internal_error', {
    message: `The framework threw ${String(status)}.`,
    cause: thrown,
  });
}

/**
 * The problem document (RFC 9457) of an error, with the extension members `code`, `requestId` and
 * `errors`. The `detail` of a 5xx has the error's `publicMessage` or the catalog's message; the error's own
 * message is only logged.
 * @param instance the route pattern
 */
export function toProblem(error: DomainError, requestId: string, instance: string) {
  const { code, fieldErrors } = error;
  const entry = ERROR_CATALOG[code];
  const { type = `urn:otp:problem:${code}`, title = toTitle(code), status } = entry;
  const { publicMessage: message = entry.message } = error;
  const publicError = status < 500 ? error : { message, action: entry.action };
  return {
    type,
    title,
    status,
    detail: describeError(code, publicError),
    instance,
    code,
    requestId,
    ...(fieldErrors && { errors: fieldErrors }),
  };
}

/** Turns `not_found` into "Not found". */
const toTitle = (code: ErrorCode): string =>
  `${code.charAt(0).toUpperCase()}${code.slice(1).replaceAll('_', ' ')}`;
