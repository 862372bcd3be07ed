/** What a row of the error catalog holds, and the parts that several rows share. */
export interface ErrorEntry {
  readonly status: number;
  /** A registered problem type (RFC 9457 §4.2) and its title; by default derived from the code. */
  readonly type?: string;
  readonly title?: string;
  /** What happened. A 4xx error may replace this message with a more specific one. */
  readonly message: string;
  /** What the client does next. Follows the message in `detail`. */
  readonly action: string;
  /** The documented operations that return this error. Absent if none can. */
  readonly returnedBy?: readonly ErrorSource[];
}

/** One operation, or all that need an API key, change data, have a body, or take an idempotency key. */
type ErrorSource =
  | ('authenticated' | 'write' | 'body' | 'idempotent')
  | (
      | 'sendCode'
      | 'resendCode'
      | 'verifyCode'
      | 'getVerification'
      | 'cancelVerification'
      | 'getProofKeys'
    );

export const AUTHENTICATED: readonly ErrorSource[] = ['authenticated'];
export const MESSAGE_SEND: readonly ErrorSource[] = ['sendCode', 'resendCode'];
export const PROVIDER_CALL: readonly ErrorSource[] = [...MESSAGE_SEND, 'verifyCode'];

export const RETRY_AFTER = 'Retry after the time in `Retry-After`.';

/** The registry of problem types, among them those of draft-ietf-httpapi-ratelimit-headers. */
export const REGISTRY = 'https://iana.org/assignments/http-problem-types';

export const createQuotaEntry = (
  message: string,
  returnedBy: readonly ErrorSource[],
  action = RETRY_AFTER,
): ErrorEntry => ({
  status: 429,
  type: `${REGISTRY}#quota-exceeded`,
  title: 'Request cannot be satisfied as assigned quota has been exceeded',
  message,
  action,
  returnedBy,
});

export const createCapacityEntry = (
  message: string,
  returnedBy: readonly ErrorSource[],
): ErrorEntry => ({
  status: 503,
  type: `${REGISTRY}#temporary-reduced-capacity`,
  title: 'Request cannot be satisfied due to temporary server capacity constraints',
  message,
  action: RETRY_AFTER,
  returnedBy,
});
