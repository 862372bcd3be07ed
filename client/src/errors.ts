import type { FieldError, Problem } from './api-types.js';

/** The codes of docs/errors.md. A newer service may return further ones. */
export type ErrorCode = Problem['code'];

/** The service responded with a problem document. Branch on `code`; log `requestId`. */
export class OtpError extends Error {
  override readonly name = 'OtpError';
  readonly code: ErrorCode;
  /** The HTTP status. */
  readonly status: number;
  /** What happened and what to do, for developers. Not for end users. */
  readonly detail: string;
  /** Identifies the request in the log of the service. */
  readonly requestId: string;
  /** The invalid fields, if `code` is `validation_failed`. */
  readonly errors: readonly FieldError[];
  /** After how many seconds to retry; `undefined` if the service does not say. */
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
 * The service did not respond. Either the connection failed, and `cause` says why; or another server, such
 * as a proxy, responded in its place, and `status` is set.
 */
export class OtpConnectionError extends Error {
  override readonly name = 'OtpConnectionError';

  constructor(
    /** The HTTP status, if another server responded. */
    readonly status?: number,
    /** After how many seconds to retry, if that server says so. */
    readonly retryAfterSeconds?: number,
    options?: ErrorOptions,
  ) {
    super(
      status === undefined
        ? 'The connection to the OTP service failed.'
        : `A server other than the OTP service responded with status ${String(status)}. Check the url and the proxies.`,
      options,
    );
  }
}

/** The call took longer than `timeoutMs`. `cause` is the error of the try before, if there was one. */
export class OtpTimeoutError extends Error {
  override readonly name = 'OtpTimeoutError';

  constructor(timeoutMs: number, options?: ErrorOptions) {
    super(`The OTP service did not answer within ${String(timeoutMs)} ms.`, options);
  }
}

/** Whether an error is an `OtpError`; if codes are given, whether it has one of them. */
export const isOtpError = <Code extends ErrorCode = ErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is OtpError & { readonly code: Code } =>
  error instanceof OtpError &&
  (codes.length === 0 || (codes as readonly ErrorCode[]).includes(error.code));
