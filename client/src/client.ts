import type {
  LookupResult,
  ResendRequest,
  SendRequest,
  SendResult,
  StatusResult,
  VerifyRequest,
  VerifyResult,
} from './api-types.js';
import type { ErrorCode } from './errors.js';
import { assertHeaderValue, HttpClient, type Fetch, type HttpRequest } from './http.js';
import { withRetries } from './retries.js';
import { tidyFields } from './typed-text.js';

const DEFAULT_TIMEOUT_MS = 15_000;
/** A send or resend that may have sent its message gets this code from then on. */
const POSSIBLY_SENT = 'provider_timeout';

export interface OtpClientOptions {
  /** The address of the service, as in `https://otp.example.com`. */
  readonly url: string;
  /** The API key of your client. Only a service that runs without keys needs none. */
  readonly apiKey?: string | undefined;
  /** The time for one call with all its retries, in milliseconds. 15 000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Used instead of the global `fetch`: for a proxy, or in tests. */
  readonly fetch?: Fetch | undefined;
}

export interface CallOptions {
  /** Ends the call with the reason of the signal. What was sent to the service may still be done. */
  readonly signal?: AbortSignal | undefined;
  /** The time for this call with all its retries, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

export interface IdempotentCallOptions extends CallOptions {
  /**
   * 1 to 255 printable ASCII characters; by default a random key for each call. With a key of your own you
   * can repeat a call that failed, within 24 hours: the repeat neither sends a second message nor misses a
   * `verified: true`.
   */
  readonly idempotencyKey?: string | undefined;
}

/**
 * The calls of the service. Each repeats failures that pass, such as a broken connection, until its time
 * is over; send, resend and verify do so with one idempotency key.
 *
 * Each rejects with an `OtpError` if the service answers with an error, an `OtpConnectionError` if it
 * cannot be reached, an `OtpTimeoutError` if the time is over, the reason of `signal` if it is aborted,
 * and a `TypeError` for an invalid option.
 */
export interface OtpClient {
  /** Sends a new code to a phone number. */
  send(request: SendRequest, options?: IdempotentCallOptions): Promise<SendResult>;
  /** Sends the code of a verification again. */
  resend(request: ResendRequest, options?: IdempotentCallOptions): Promise<SendResult>;
  /** Checks a code. A code that is not accepted is no error: `verified` is false, and `reason` says why. */
  verify(request: VerifyRequest, options?: IdempotentCallOptions): Promise<VerifyResult>;
  /** The status of a verification. */
  status(pinId: string, options?: CallOptions): Promise<StatusResult>;
  /** Cancels a verification: its code is no longer accepted. */
  cancel(pinId: string, options?: CallOptions): Promise<void>;
  /** Whether you verified a phone number, and when. */
  lookup(phoneNumber: string, options?: CallOptions): Promise<LookupResult>;
  /** Deletes your verifications of a phone number, but not the limits that protect it. */
  erase(phoneNumber: string, options?: CallOptions): Promise<void>;
}

/** @throws TypeError if `url`, `apiKey` or `timeoutMs` is invalid */
export function createOtpClient(options: OtpClientOptions): OtpClient {
  const { url, apiKey, fetch, timeoutMs: defaultTimeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const http = new HttpClient(url, apiKey, fetch);
  assertTimeout(defaultTimeoutMs);

  const call = async (
    request: HttpRequest,
    options: CallOptions = {},
    finalCode?: ErrorCode,
  ): Promise<unknown> => {
    const { timeoutMs = defaultTimeoutMs, signal } = options;
    assertTimeout(timeoutMs);
    return withRetries((trySignal) => http.request(request, trySignal), {
      timeoutMs,
      signal,
      finalCode,
    });
  };
  const post = (path: string, body: object, options?: CallOptions) =>
    call({ method: 'POST', path, body: tidyFields(body) }, options);
  const postWithKey = async (
    path: string,
    body: object,
    options: IdempotentCallOptions = {},
    finalCode?: ErrorCode,
  ): Promise<unknown> => {
    const { idempotencyKey = crypto.randomUUID() } = options;
    assertHeaderValue('idempotencyKey', idempotencyKey);
    const request = { method: 'POST', path, body: tidyFields(body), idempotencyKey } as const;
    return call(request, options, finalCode);
  };
  const pathOf = (pinId: string) => `/otp/${encodeURIComponent(pinId)}`;

  // The service's document says what a route returns, so the results need no checks.
  return {
    send: async (request, callOptions) =>
      (await postWithKey('/otp/send', request, callOptions, POSSIBLY_SENT)) as SendResult,
    resend: async (request, callOptions) =>
      (await postWithKey('/otp/resend', request, callOptions, POSSIBLY_SENT)) as SendResult,
    verify: async (request, callOptions) =>
      (await postWithKey('/otp/verify', request, callOptions)) as VerifyResult,
    status: async (pinId, callOptions) =>
      (await call({ method: 'GET', path: pathOf(pinId) }, callOptions)) as StatusResult,
    cancel: async (pinId, callOptions) => {
      await call({ method: 'DELETE', path: pathOf(pinId) }, callOptions);
    },
    lookup: async (phoneNumber, callOptions) =>
      (await post('/otp/numbers/lookup', { phoneNumber }, callOptions)) as LookupResult,
    erase: async (phoneNumber, callOptions) => {
      await post('/otp/numbers/erase', { phoneNumber }, callOptions);
    },
  };
}

function assertTimeout(timeoutMs: number): void {
  if (!(timeoutMs > 0)) throw new TypeError('timeoutMs must be a positive number of milliseconds.');
}
