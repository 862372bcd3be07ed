import type { FieldError, Problem } from './api-types.js';

/** The codes of docs/errors.md. A newer service may return further ones. */
export type ErrorCode = Problem['code'];

/** The service answered with a problem document. Branch on `code`; log `requestId`. */
export class OtpError extends Error {
  override readonly name = 'OtpError';
  readonly code: ErrorCode;
  /** The HTTP status. */
  readonly status: number;
  /** What happened and what to do, for developers. Not for end users. */
  readonly detail: string;
  /** Finds the request in the log of the service. */
  readonly requestId: string;
  /** The invalid fields, if `code` is `validation_failed`. */
  readonly errors: readonly FieldError[];
  /** After how many seconds another request can succeed, if the service knows. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    { code, status, detail, requestId, errors }: Problem,
    retryAfterSeconds: number | undefined,
  ) {
    super(`${code} (${String(status)}), request ${requestId}`);
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.requestId = requestId;
    this.errors = errors ?? [];
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * The service did not answer: the connection failed, and `cause` says why, or another server answered in
 * its place, with `status`.
 */
export class OtpConnectionError extends Error {
  override readonly name = 'OtpConnectionError';

  constructor(
    /** The HTTP status, if another server answered. */
    readonly status?: number,
    /** After how many seconds to retry, if that server stated it. */
    readonly retryAfterSeconds?: number,
    options?: ErrorOptions,
  ) {
    super(
      status === undefined
        ? 'The connection to the OTP service failed.'
        : `Status ${String(status)}, but not from the OTP service. Check its url and the proxies before it.`,
      options,
    );
  }
}

/** The call took longer than `timeoutMs`. `cause` is the error of the last try that ended. */
export class OtpTimeoutError extends Error {
  override readonly name = 'OtpTimeoutError';

  constructor(timeoutMs: number, options?: ErrorOptions) {
    super(`The OTP service did not answer within ${String(timeoutMs)} ms.`, options);
  }
}

/** Whether it is an error of the service, with one of these codes if any are given. */
export const isOtpError = <Code extends ErrorCode = ErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is OtpError & { readonly code: Code } =>
  error instanceof OtpError &&
  (codes.length === 0 || (codes as readonly ErrorCode[]).includes(error.code));
