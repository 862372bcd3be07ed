import { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import type { ErrorCode } from '../common/error-catalog.js';
import type { ProviderFailure } from '../common/label-values.js';

interface ProviderFailurePolicy {
  /** The error that the client gets. */
  readonly code: ErrorCode;
  /** After such a failure of a send, the message may have been sent nevertheless. */
  readonly ambiguous?: boolean;
  /** The failure means that the provider is down for every request, not only for this one. */
  readonly isProviderDown?: boolean;
  /** After how many milliseconds the client should retry, if the provider does not say. */
  readonly retryAfterMs?: number;
}

/** How the service treats each kind of failure of a provider call. */
const FAILURE_POLICY = {
  /** The phone number is malformed for the provider, or no phone can be reached there. */
  destination_unreachable: { code: 'destination_unreachable' },
  /** The provider no longer knows this code, so it cannot be sent again. */
  pin_not_found: { code: 'not_resendable' },
  /** The provider accepted the request but did not send the message: no balance, a filter. */
  not_accepted: { code: 'provider_error' },
  /** The request is invalid for the provider: an unknown application, a bad field. */
  rejected: { code: 'provider_error' },
  /** The credentials are wrong or lack a scope. */
  unauthorized: { code: 'provider_error', isProviderDown: true },
  /** The provider limits the requests of the account. */
  throttled: {
    code: 'provider_unavailable',
    isProviderDown: true,
    retryAfterMs: seconds(5),
  },
  /** The provider limits the requests for one phone number. */
  number_throttled: { code: 'provider_unavailable', retryAfterMs: seconds(5) },
  /** No connection was made, so nothing was requested. */
  connection_failed: {
    code: 'provider_unavailable',
    isProviderDown: true,
    retryAfterMs: seconds(5),
  },
  /** The connection broke after the request may have been written. */
  connection_lost: { code: 'provider_error', ambiguous: true, isProviderDown: true },
  /** No complete response within the deadline. */
  timed_out: { code: 'provider_timeout', ambiguous: true, isProviderDown: true },
  /** A 5xx status. */
  server_error: { code: 'provider_error', ambiguous: true, isProviderDown: true },
  /** The response is not what the API documents. */
  invalid_response: { code: 'provider_error', ambiguous: true, isProviderDown: true },
  /** Not called, because earlier calls failed. */
  circuit_open: { code: 'provider_unavailable', retryAfterMs: seconds(1) },
  /** Not called, because too many calls are waiting for a response. */
  overloaded: { code: 'overloaded', retryAfterMs: seconds(1) },
} as const satisfies Record<ProviderFailure, ProviderFailurePolicy>;

interface ProviderErrorOptions {
  /**
   * After how many milliseconds the client should retry, according to the provider or the circuit breaker.
   * Ignored for a failure whose policy has no `retryAfterMs`.
   */
  readonly retryAfterMs?: number | undefined;
  /** For the log: an HTTP status or a Node error code. Never provider text: it may echo the number. */
  readonly detail?: string | number | undefined;
  /** The message that the client gets; by default that of the error catalog. */
  readonly publicMessage?: string;
}

/**
 * A provider call failed. Carries nothing of the request or response: an HTTP library's error
 * contains the number, the code and the API key.
 */
export class ProviderError extends DomainError {
  override readonly name = 'ProviderError';
  /** Whether a send that failed this way may have sent the message nevertheless. */
  readonly ambiguous: boolean;
  /** Whether the provider is down for every request. */
  readonly isProviderDown: boolean;
  /** How long the account should send no requests, in milliseconds; `undefined` unless it is throttled. */
  readonly pauseMs: number | undefined;

  constructor(
    readonly failure: ProviderFailure,
    { retryAfterMs, detail, publicMessage }: ProviderErrorOptions = {},
  ) {
    const policy: ProviderFailurePolicy = FAILURE_POLICY[failure];
    const waitMs = policy.retryAfterMs && (retryAfterMs ?? policy.retryAfterMs);
    const message = toLogMessage(failure, detail);
    super(policy.code, { message, publicMessage, retryAfterMs: waitMs });
    this.ambiguous = policy.ambiguous ?? false;
    this.isProviderDown = policy.isProviderDown ?? false;
    this.pauseMs = failure === 'throttled' ? waitMs : undefined;
  }

  /** Whether the provider was called at all. */
  get wasCalled(): boolean {
    return this.failure !== 'circuit_open' && this.failure !== 'overloaded';
  }
}

/** No provider accepted the message. Carries the code of the most specific failure. */
export class SendFailedError extends DomainError {
  override readonly name = 'SendFailedError';

  constructor(
    { code, message, publicMessage, retryAfterMs }: ProviderError,
    /** Providers that may have sent the message nevertheless. */
    readonly possiblySentBy: readonly string[],
  ) {
    super(code, { message, publicMessage, retryAfterMs });
  }
}

/**
 * `undefined` for the failures that become a 4xx response: its message is public, so the error catalog
 * states it.
 */
function toLogMessage(failure: ProviderFailure, detail?: string | number): string | undefined {
  if (failure === 'destination_unreachable' || failure === 'pin_not_found') return undefined;
  return detail === undefined ? failure : `${failure} (${String(detail)})`;
}
