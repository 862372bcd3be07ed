import type {
  LookupResult,
  ResendRequest,
  SendRequest,
  SendResult,
  StatusResult,
  VerifyRequest,
  VerifyResult,
} from './api-types.js';
import { ServiceCalls, type CallOptions, type IdempotentCallOptions } from './calls.js';
import { OtpConnectionError } from './errors.js';
import { HttpClient, type Fetch } from './http.js';
import type { RetryRules } from './retries.js';

/** Until a request of a killed replica has an answer, its repeats get `request_in_progress`: 15 to 20 s. */
const DEFAULT_TIMEOUT_MS = 30_000;
/**
 * After this code the message of a send or resend may have been sent. Not retried: the service returns the
 * code for every repeat with the same idempotency key.
 */
const MESSAGE_RULES: RetryRules = { finalCode: 'provider_timeout' };
const CHECK_RULES: RetryRules = { checksCode: true };

export interface OtpClientOptions {
  /** The address of the service, as in `https://otp.example.com`. */
  readonly url: string;
  /** Your API key. Leave it out only if the service runs without API keys. */
  readonly apiKey?: string | undefined;
  /** The longest time for one call and all its retries, in milliseconds. 30 000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Used instead of the global `fetch`: for a proxy, or in tests. */
  readonly fetch?: Fetch | undefined;
}

/**
 * Each method calls one route of the service. After a temporary failure, such as a broken connection, the
 * call is retried until its timeout; retries of send, resend and verify keep the idempotency key. Not
 * retried: a `provider_timeout` of a send or resend, whose message may have been sent. Retried three times
 * only: a `provider_error` or `provider_timeout` of a verify, because each retry may use an attempt.
 *
 * Each method rejects with an `OtpError` if the service responds with an error, an `OtpConnectionError` if
 * the service cannot be reached, an `OtpTimeoutError` after the timeout, the reason of `signal` if that is
 * aborted, and a `TypeError` for an invalid option or `pinId`.
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
  /** Deletes your verifications of a phone number, but not the counts of the limits that protect it. */
  erase(phoneNumber: string, options?: CallOptions): Promise<void>;
}

/** @throws TypeError if `url`, `apiKey` or `timeoutMs` is invalid */
export function createOtpClient(options: OtpClientOptions): OtpClient {
  const { url, apiKey, fetch, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const calls = new ServiceCalls(new HttpClient(url, apiKey, fetch), timeoutMs);

  // The types come from the service's OpenAPI document, so the results are not validated.
  return {
    send: async (request, callOptions) =>
      requireBody(
        await calls.postWithKey('/otp/send', request, callOptions, MESSAGE_RULES),
      ) as SendResult,
    resend: async (request, callOptions) =>
      requireBody(
        await calls.postWithKey('/otp/resend', request, callOptions, MESSAGE_RULES),
      ) as SendResult,
    verify: async (request, callOptions) =>
      requireBody(
        await calls.postWithKey('/otp/verify', request, callOptions, CHECK_RULES),
      ) as VerifyResult,
    status: async (pinId, callOptions) =>
      requireBody(
        await calls.run({ method: 'GET', path: pathOf(pinId) }, callOptions),
      ) as StatusResult,
    cancel: async (pinId, callOptions) => {
      await calls.run({ method: 'DELETE', path: pathOf(pinId) }, callOptions);
    },
    lookup: async (phoneNumber, callOptions) =>
      requireBody(
        await calls.post('/otp/numbers/lookup', { phoneNumber }, callOptions),
      ) as LookupResult,
    erase: async (phoneNumber, callOptions) => {
      await calls.post('/otp/numbers/erase', { phoneNumber }, callOptions);
    },
  };
}

/** @throws OtpConnectionError for a 204: the service always answers these calls with a body */
function requireBody(body: object | undefined): object {
  if (!body) throw new OtpConnectionError(204);
  return body;
}

/**
 * A `pinId` such as `..` would be another path, and its server would get the API key.
 * @throws TypeError whose message does not contain the value
 */
function pathOf(pinId: string): string {
  if (/^[\w-]+$/.test(pinId)) return `/otp/${pinId}`;
  throw new TypeError('pinId must be the pinId that send returned.');
}
