import {
  AUTHENTICATED,
  createCapacityEntry,
  createQuotaEntry,
  type ErrorEntry,
  MESSAGE_SEND,
  PROVIDER_CALL,
  REGISTRY,
  RETRY_AFTER,
} from './error-entry.js';

const OTHER_NUMBER = 'Do not retry. Ask the end user for another number.';

/**
 * Every error of the API, one row each. The problem documents are made from these rows, and by
 * `npm run generate` docs/errors.md, openapi.json and the client's types. To return an error:
 * `throw new DomainError('not_found')`.
 */
const ENTRIES = {
  validation_failed: {
    status: 400,
    message: 'One or more fields are invalid.',
    action: 'Fix the fields listed in `errors` and retry.',
    returnedBy: ['body'],
  },
  malformed_body: {
    status: 400,
    message: 'The body is not valid JSON, or the request is not valid HTTP.',
    action: 'Send a well-formed HTTP request with one JSON object as its body.',
    returnedBy: AUTHENTICATED,
  },
  unauthenticated: {
    status: 401,
    message: 'The API key is missing or unknown.',
    action: 'Send a valid key in the header `Authorization: Bearer <API key>`.',
    returnedBy: AUTHENTICATED,
  },
  destination_not_allowed: {
    status: 403,
    message: 'Messages to this country, number type or number are blocked.',
    action: OTHER_NUMBER,
    returnedBy: MESSAGE_SEND,
  },
  not_found: {
    status: 404,
    message: 'No route has this path.',
    action: 'Check the path; `/docs` lists every route.',
    returnedBy: ['getProofKeys'],
  },
  verification_not_found: {
    status: 404,
    message: 'This client has no verification with this pinId or phone number.',
    action: 'Check the pinId or number, or send a new code.',
    returnedBy: [...PROVIDER_CALL, 'getVerification', 'cancelVerification'],
  },
  method_not_allowed: {
    status: 405,
    message: 'The path does not support this method.',
    action: 'Use one of the methods in the `Allow` header.',
  },
  request_timeout: {
    status: 408,
    message: 'The request did not arrive completely within 10 seconds.',
    action: 'Send the whole request within 10 seconds.',
  },
  payload_too_large: {
    status: 413,
    message: 'The body is larger than 16 KiB.',
    action: 'Send at most 16 KiB.',
    returnedBy: ['write'],
  },
  unsupported_media_type: {
    status: 415,
    title: 'The Content-Type header is not application/json',
    message: 'The `Content-Type` header is missing or does not declare JSON.',
    action: 'Send the header `Content-Type: application/json`.',
    returnedBy: ['body'],
  },
  unsupported_content_encoding: {
    status: 415,
    message: 'The body is compressed.',
    action: 'Send it without the header `Content-Encoding`.',
    returnedBy: ['body'],
  },
  misdirected_request: {
    status: 421,
    message: 'Without API keys, the service answers only requests to names of this machine.',
    action: 'Send `Host: localhost` or `Host: 127.0.0.1`, or configure API keys.',
  },
  headers_too_large: {
    status: 431,
    message: 'The request line and the headers together are larger than 16 KiB.',
    action: 'Send a shorter path, or fewer or shorter headers.',
  },
  request_in_progress: {
    status: 409,
    message: 'A request with this idempotency key is still running.',
    action: RETRY_AFTER,
    returnedBy: ['idempotent'],
  },
  not_resendable: {
    status: 409,
    message:
      'The verification is no longer pending, or its code expires too soon to be sent again.',
    action: 'Send a new code.',
    returnedBy: ['resendCode'],
  },
  stored_data_unreadable: {
    status: 410,
    message: 'The stored verification, or the stored response to this request, cannot be read.',
    action: 'Do not retry. Send a new code, with a new idempotency key.',
    returnedBy: [...PROVIDER_CALL, 'getVerification'],
  },
  idempotency_key_reused: {
    status: 422,
    message: 'This idempotency key belongs to a different request, or to a number that was erased.',
    action: 'Use a new key for every new request.',
    returnedBy: ['idempotent'],
  },
  destination_unreachable: {
    status: 422,
    message: 'No message can be delivered to this number.',
    action: OTHER_NUMBER,
    returnedBy: MESSAGE_SEND,
  },
  too_many_requests: createQuotaEntry('The rate limit is exceeded.', AUTHENTICATED),
  cooldown_active: createQuotaEntry(
    'A message to this number was requested moments ago.',
    MESSAGE_SEND,
  ),
  quota_exceeded: createQuotaEntry(
    'A limit of the number, the end user, the client or the whole service is reached.',
    PROVIDER_CALL,
  ),
  resend_limit_reached: createQuotaEntry(
    'This code was sent as often as the provider delivers the same message.',
    ['resendCode'],
    'Send a new code after the time in `Retry-After`.',
  ),
  destination_suspended: {
    status: 429,
    type: `${REGISTRY}#abnormal-usage-detected`,
    title: 'Request not satisfied due to detection of abnormal request pattern',
    message: 'Messages to this destination are suspended: too many earlier ones were not verified.',
    action: RETRY_AFTER,
    returnedBy: MESSAGE_SEND,
  },
  internal_error: {
    status: 500,
    message: 'An unexpected error occurred.',
    action: 'Report the `requestId` to the operator of this service.',
    returnedBy: AUTHENTICATED,
  },
  provider_error: {
    status: 502,
    message: 'The message provider rejected the request, or its response cannot be used.',
    action:
      'Retry with the same idempotency key. If the message may have been sent, the retry of a send gets 504. If the code may have been checked, the retry of a verify asks the provider for the result, and the first attempt stays counted.',
    returnedBy: PROVIDER_CALL,
  },
  provider_unavailable: createCapacityEntry('The message provider is unavailable.', PROVIDER_CALL),
  overloaded: createCapacityEntry('Too many requests are running at the same time.', PROVIDER_CALL),
  storage_unavailable: createCapacityEntry('The storage is unavailable.', AUTHENTICATED),
  provider_timeout: {
    status: 504,
    message: 'The message provider did not respond in time.',
    action:
      'Retry a verify with the same idempotency key: the retry asks the provider for the result, and the first attempt stays counted. A send or resend stays counted, because its message may have been sent; a retry with that key gets 504 again.',
    returnedBy: PROVIDER_CALL,
  },
} as const satisfies Record<string, ErrorEntry>;

/** The values of `code` in a problem document. */
export type ErrorCode = keyof typeof ENTRIES;

export const ERROR_CATALOG: Readonly<Record<ErrorCode, ErrorEntry>> = ENTRIES;

export const ERROR_CODES = Object.keys(ENTRIES) as ErrorCode[];

/** The errors of sends that a rule (403) or a limit (429) refuses. */
export const SEND_REFUSALS: ReadonlySet<ErrorCode> = new Set(
  ERROR_CODES.filter((code) => {
    const { status, returnedBy = [] } = ERROR_CATALOG[code];
    const endsSend = MESSAGE_SEND.some((operation) => returnedBy.includes(operation));
    return endsSend && (status === 403 || status === 429);
  }),
);

/** The `detail` of a problem document: message and action, by default those of the catalog. */
export const describeError = (
  code: ErrorCode,
  { message, action }: Pick<ErrorEntry, 'message' | 'action'> = ERROR_CATALOG[code],
): string => `${message} ${action}`;
