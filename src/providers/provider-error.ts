import { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import type { ErrorCode } from '../common/error-catalog.js';

/**
 * Every way a provider call can fail, whoever the vendor is:
 *
 * - `destination_unreachable` the number's own fault: malformed for the vendor, or no phone there
 * - `pin_not_found` the vendor does not know this code any more, so it cannot be sent again
 * - `not_accepted`  the vendor took the request and kept the text back (no balance, a filter)
 * - `rejected`      it does not accept how we ask: an unknown application, a bad field
 * - `unauthorized`  it does not accept who asks: a wrong key, or one without the scope
 * - `throttled`     it wants fewer requests
 * - `number_throttled` it wants fewer requests about this number
 * - `connection_failed` no connection came about, so nothing was asked
 * - `connection_lost` the connection broke after the request may have gone out
 * - `timed_out`     asked, and no whole answer within the deadline
 * - `server_error`  a 5xx
 * - `invalid_response` an answer that is not what the contract says
 * - `circuit_open`  not asked, because the calls before failed
 * - `overloaded`    not asked, because it has not answered enough of the calls before
 */
export type ProviderFailure =
  | 'destination_unreachable'
  | 'pin_not_found'
  | 'not_accepted'
  | 'rejected'
  | 'unauthorized'
  | 'throttled'
  | 'number_throttled'
  | 'connection_failed'
  | 'connection_lost'
  | 'timed_out'
  | 'server_error'
  | 'invalid_response'
  | 'circuit_open'
  | 'overloaded';

interface FailurePolicy {
  readonly code: ErrorCode;
  /** After such a failure of a send, a text may be on its way all the same. */
  readonly ambiguous: boolean;
  /** It says that the provider is down for everybody; the others concern one request. */
  readonly isProviderDown: boolean;
  /** Until the caller should ask again, in milliseconds, where the vendor says nothing of it. */
  readonly retryAfterMs?: number;
}

const SOON_MS = seconds(5);

const certain = { ambiguous: false, isProviderDown: false };
const ambiguous = { ambiguous: true, isProviderDown: true };

const FAILURE_POLICY: Record<ProviderFailure, FailurePolicy> = {
  destination_unreachable: { code: 'destination_unreachable', ...certain },
  pin_not_found: { code: 'not_resendable', ...certain },
  not_accepted: { code: 'provider_error', ...certain },
  rejected: { code: 'provider_error', ...certain },
  unauthorized: { code: 'provider_error', ...certain, isProviderDown: true },
  throttled: {
    code: 'provider_unavailable',
    ...certain,
    isProviderDown: true,
    retryAfterMs: SOON_MS,
  },
  number_throttled: { code: 'provider_unavailable', ...certain, retryAfterMs: SOON_MS },
  connection_failed: {
    code: 'provider_unavailable',
    ...certain,
    isProviderDown: true,
    retryAfterMs: SOON_MS,
  },
  connection_lost: { code: 'provider_error', ...ambiguous },
  timed_out: { code: 'provider_timeout', ...ambiguous },
  server_error: { code: 'provider_error', ...ambiguous },
  invalid_response: { code: 'provider_error', ...ambiguous },
  circuit_open: { code: 'provider_unavailable', ...certain, retryAfterMs: seconds(1) },
  overloaded: { code: 'overloaded', ...certain, retryAfterMs: seconds(1) },
};

interface ProviderErrorOptions {
  /** Until the caller should ask again, in milliseconds: the vendor's own wish, or what is known here. */
  readonly retryAfterMs?: number | undefined;
  /** For the log: an HTTP status or a Node error code. Never the vendor's text, which may echo the number. */
  readonly detail?: string | number | undefined;
}

/**
 * A provider call without a usable result. It carries nothing of the request or the answer: what
 * an HTTP library hangs on its errors includes the number, the code and the key.
 */
export class ProviderError extends DomainError {
  override readonly name = 'ProviderError';
  /** Whether a send that failed this way may have left a text all the same. */
  readonly ambiguous: boolean;
  /** Whether it says that the provider is down for everybody. */
  readonly isProviderDown: boolean;
  /** For how long the vendor itself wants to be left alone, in milliseconds. */
  readonly pauseMs: number | undefined;

  constructor(
    readonly failure: ProviderFailure,
    { retryAfterMs, detail: evidence }: ProviderErrorOptions = {},
  ) {
    const { code, ambiguous, isProviderDown, retryAfterMs: defaultMs } = FAILURE_POLICY[failure];
    const wait = defaultMs === undefined ? undefined : (retryAfterMs ?? defaultMs);
    super(code, { message: logMessage(failure, evidence), retryAfterMs: wait });
    this.ambiguous = ambiguous;
    this.isProviderDown = isProviderDown;
    this.pauseMs = failure === 'throttled' ? wait : undefined;
  }

  /** Whether the provider was asked at all. */
  get wasCalled(): boolean {
    return this.failure !== 'circuit_open' && this.failure !== 'overloaded';
  }
}

/** For the log. Undefined for the failures that are not 5xx: clients read the catalog's message. */
function logMessage(
  failure: ProviderFailure,
  evidence: string | number | undefined,
): string | undefined {
  if (failure === 'destination_unreachable' || failure === 'pin_not_found') return undefined;
  return evidence === undefined ? failure : `${failure} (${String(evidence)})`;
}
