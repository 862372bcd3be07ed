import { HttpException } from '@nestjs/common';
import { DomainError, errors, type FieldError } from '../common/domain-error.js';
import { describeError, ERROR_CATALOG, type ErrorCode } from '../common/error-catalog.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** A problem document (RFC 9457) with its extension members `code`, `requestId` and `errors`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  /** What a client's program branches on. */
  readonly code: ErrorCode;
  /** Finds the request in the log. */
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
}

/** The part of a request that its problem document contains. */
export interface ProblemContext {
  readonly requestId: string;
  readonly path: string;
}

export function toDomainError(thrown: unknown): DomainError {
  if (thrown instanceof DomainError) return thrown;
  if (thrown instanceof HttpException) return fromHttpStatus(thrown.getStatus(), thrown);
  return errors.internalError({ cause: thrown });
}

/** The problem document of an error. A 5xx has the catalog's constant text: its own is for the log. */
export function toProblem(error: DomainError, { requestId, path }: ProblemContext): Problem {
  const { code, fieldErrors } = error;
  const { type = `urn:otp:problem:${code}`, title, status } = ERROR_CATALOG[code];
  return {
    type,
    title,
    status,
    detail: describeError(code, status < 500 ? error.message : undefined),
    instance: path,
    code,
    requestId,
    ...(fieldErrors && { errors: fieldErrors }),
  };
}

/** Errors of the framework. Their messages may quote the URL or the body, so they are dropped. */
function fromHttpStatus(status: number, cause: unknown): DomainError {
  switch (status) {
    case 400:
      return errors.malformedBody();
    case 404:
      return errors.notFound();
    case 413:
      return errors.payloadTooLarge();
    case 415:
      return errors.unsupportedMediaType();
    default:
      return errors.internalError({ message: `The framework threw ${String(status)}.`, cause });
  }
}
