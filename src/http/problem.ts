import { HttpException } from '@nestjs/common';
import { DomainError, type ErrorKind, type FieldFault } from '../common/domain-error.js';
import { PROBLEM_TYPES, type ProblemType } from './problem-types.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** A problem document (RFC 9457) with this service's extension members. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  /** The kind of error: what a caller's program should branch on. */
  readonly code: ErrorKind;
  /** Finds the request in the log. */
  readonly requestId: string;
  readonly errors?: readonly FieldFault[];
}

/** What of a request goes into its problem document. */
export interface Occurrence {
  readonly requestId: string;
  readonly path: string;
}

/** Turns anything that was thrown into an error of ours. */
export function asDomainError(thrown: unknown): DomainError {
  if (thrown instanceof DomainError) return thrown;
  if (thrown instanceof HttpException) return fromHttpStatus(thrown.getStatus(), thrown);
  return new DomainError('internal_error', 'unexpected', { cause: thrown });
}

export function describeProblem(error: DomainError, { requestId, path }: Occurrence): Problem {
  const { type, title, status, constantDetail }: ProblemType = PROBLEM_TYPES[error.kind];
  return {
    type,
    title,
    status,
    detail: constantDetail ?? error.message,
    instance: path,
    code: error.kind,
    requestId,
    ...(error.faults && { errors: error.faults }),
  };
}

/**
 * The framework's own refusals. Their messages may quote the URL or the body, so they are
 * replaced by ours.
 */
function fromHttpStatus(status: number, cause: unknown): DomainError {
  switch (status) {
    case 400:
      return new DomainError('malformed_body', 'Send one JSON object that a JSON parser can read.');
    case 404:
      return new DomainError('not_found', 'Check the path; /docs lists every route.');
    case 413:
      return new DomainError('payload_too_large', 'Send at most 16 KiB.');
    case 415:
      return new DomainError(
        'unsupported_media_type',
        'Send the header content-type: application/json.',
      );
    default:
      return new DomainError('internal_error', `the framework answered ${String(status)}`, {
        cause,
      });
  }
}
