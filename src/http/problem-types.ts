import type { ErrorKind } from '../common/domain-error.js';

/** What every problem of one kind has in common (RFC 9457 §3.1). */
export interface ProblemType {
  readonly status: number;
  readonly type: string;
  /** Same for every occurrence, as RFC 9457 asks. */
  readonly title: string;
  /** Stands in for the error's own message, which for a 5xx is nobody's business outside. */
  readonly constantDetail?: string;
}

const own = (kind: ErrorKind, status: number, title: string, constantDetail?: string) => ({
  status,
  type: `urn:otp:problem:${kind}`,
  title,
  ...(constantDetail !== undefined && { constantDetail }),
});

const REGISTRY = 'https://iana.org/assignments/http-problem-types';

/** Registered by draft-ietf-httpapi-ratelimit-headers. */
const quotaExceeded = {
  status: 429,
  type: `${REGISTRY}#quota-exceeded`,
  title: 'Request cannot be satisfied as assigned quota has been exceeded',
};

/** Registered by draft-ietf-httpapi-ratelimit-headers. */
const abnormalUsage = {
  status: 429,
  type: `${REGISTRY}#abnormal-usage-detected`,
  title: 'Request not satisfied due to detection of abnormal request pattern',
};

/** Registered by draft-ietf-httpapi-ratelimit-headers. */
const reducedCapacity = (constantDetail: string) => ({
  status: 503,
  type: `${REGISTRY}#temporary-reduced-capacity`,
  title: 'Request cannot be satisfied due to temporary server capacity constraints',
  constantDetail,
});

/** The one place where a kind of error becomes an HTTP status. */
export const PROBLEM_TYPES = {
  validation_failed: own('validation_failed', 400, 'The request is not valid'),
  malformed_body: own('malformed_body', 400, 'The body cannot be read'),
  unauthenticated: own('unauthenticated', 401, 'The caller is not known'),
  destination_not_allowed: own('destination_not_allowed', 403, 'This destination is not texted'),
  not_found: own('not_found', 404, 'There is nothing at this path'),
  verification_not_found: own('verification_not_found', 404, 'No such verification'),
  method_not_allowed: own('method_not_allowed', 405, 'The path does not take this method'),
  request_timeout: own('request_timeout', 408, 'The request took too long to arrive'),
  payload_too_large: own('payload_too_large', 413, 'The body is too large'),
  unsupported_media_type: own('unsupported_media_type', 415, 'The body is not JSON'),
  request_in_progress: own('request_in_progress', 409, 'The same request is still running'),
  not_resendable: own('not_resendable', 409, 'The code cannot be sent again'),
  idempotency_key_reused: own(
    'idempotency_key_reused',
    422,
    'The idempotency key belongs to another request',
  ),
  destination_unreachable: own('destination_unreachable', 422, 'The number cannot be reached'),
  too_many_requests: quotaExceeded,
  cooldown_active: quotaExceeded,
  quota_exceeded: quotaExceeded,
  destination_suspended: abnormalUsage,
  internal_error: own('internal_error', 500, 'Internal error', 'Something failed on our side.'),
  provider_error: own(
    'provider_error',
    502,
    'The provider failed',
    'The message provider refused the request or gave an answer that cannot be used.',
  ),
  provider_unavailable: reducedCapacity('The message provider cannot be used right now.'),
  overloaded: reducedCapacity('The service has as many requests under way as it can answer.'),
  storage_unavailable: reducedCapacity('The service cannot reach its own records right now.'),
  provider_timeout: own(
    'provider_timeout',
    504,
    'The provider did not answer in time',
    'The message provider did not answer in time; a text that was asked for may be out all the same.',
  ),
} as const satisfies Record<ErrorKind, ProblemType>;
