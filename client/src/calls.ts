import type { ErrorCode } from './errors.js';
import { assertHeaderValue, type HttpClient, type HttpRequest } from './http.js';
import { withRetries } from './retries.js';
import { tidyFields } from './typed-text.js';

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

/** Makes calls with retries within a time, and with idempotency keys. */
export class ServiceCalls {
  /** @throws TypeError if the time is not positive */
  constructor(
    private readonly http: HttpClient,
    private readonly defaultTimeoutMs: number,
  ) {
    assertTimeout(defaultTimeoutMs);
  }

  /** @param finalCode an error code that is final for this call though it passes for others */
  async run(
    request: HttpRequest,
    { timeoutMs = this.defaultTimeoutMs, signal }: CallOptions = {},
    finalCode?: ErrorCode,
  ): Promise<unknown> {
    assertTimeout(timeoutMs);
    const send = (trySignal: AbortSignal) => this.http.request(request, trySignal);
    return withRetries(send, { timeoutMs, signal, finalCode });
  }

  /** For a route that can be repeated without a key. */
  async post(path: string, body: object, options?: CallOptions): Promise<unknown> {
    return this.run({ method: 'POST', path, body: tidyFields(body) }, options);
  }

  async postWithKey(
    path: string,
    body: object,
    options: IdempotentCallOptions = {},
    finalCode?: ErrorCode,
  ): Promise<unknown> {
    const { idempotencyKey = crypto.randomUUID() } = options;
    assertHeaderValue('idempotencyKey', idempotencyKey);
    const request = { method: 'POST', path, body: tidyFields(body), idempotencyKey } as const;
    return this.run(request, options, finalCode);
  }
}

function assertTimeout(timeoutMs: number): void {
  if (!(timeoutMs > 0)) throw new TypeError('timeoutMs must be a positive number of milliseconds.');
}
