import { assertHeaderValue, type HttpClient, type HttpRequest } from './http.js';
import { withRetries, type RetryRules } from './retries.js';
import { normalizeTypedFields } from './typed-text.js';

export interface CallOptions {
  /**
   * Aborts the call, which rejects with the reason of the signal. The service may still execute a request
   * that was sent.
   */
  readonly signal?: AbortSignal | undefined;
  /** The longest time for this call and all its retries, in milliseconds; by default that of the client. */
  readonly timeoutMs?: number | undefined;
}

export interface IdempotentCallOptions extends CallOptions {
  /**
   * 1 to 255 printable ASCII characters; by default a random key for each call. With a key of your own you
   * can repeat a failed call within 24 hours. The repeated call sends no second message, and still returns a
   * `verified: true` whose response was lost.
   */
  readonly idempotencyKey?: string | undefined;
}

/** Calls the routes of the service, with retries until a timeout and with idempotency keys. */
export class ServiceCalls {
  /** @throws TypeError if the timeout is not positive */
  constructor(
    private readonly http: HttpClient,
    private readonly defaultTimeoutMs: number,
  ) {
    assertTimeout(defaultTimeoutMs);
  }

  /**
   * Calls any route.
   * @param retryRules how retries of this call differ from those of other calls
   */
  async run(
    request: HttpRequest,
    { timeoutMs = this.defaultTimeoutMs, signal }: CallOptions = {},
    retryRules: RetryRules = {},
  ): Promise<object | undefined> {
    assertTimeout(timeoutMs);
    const send = (trySignal: AbortSignal) => this.http.request(request, trySignal);
    return withRetries(send, { timeoutMs, signal, ...retryRules });
  }

  /** Calls a POST route that can be retried without an idempotency key. */
  async post(path: string, body: object, options?: CallOptions): Promise<object | undefined> {
    return this.run({ method: 'POST', path, body: normalizeTypedFields(body) }, options);
  }

  /** Calls a POST route with an idempotency key, which all retries share. */
  async postWithKey(
    path: string,
    body: object,
    options: IdempotentCallOptions = {},
    retryRules?: RetryRules,
  ): Promise<object | undefined> {
    const { idempotencyKey = crypto.randomUUID() } = options;
    assertHeaderValue('idempotencyKey', idempotencyKey);
    const request = {
      method: 'POST',
      path,
      body: normalizeTypedFields(body),
      idempotencyKey,
    } as const;
    return this.run(request, options, retryRules);
  }
}

function assertTimeout(timeoutMs: number): void {
  if (!(timeoutMs > 0)) throw new TypeError('timeoutMs must be a positive number of milliseconds.');
}
