/**
 * The closed sets of values that events carry and metrics have as labels. A metric starts with a
 * series for each value, so that Prometheus sees even the first event as an increase.
 */

export const PROVIDER_OPERATIONS = ['send', 'resend', 'verify', 'status'] as const;
export type ProviderOperation = (typeof PROVIDER_OPERATIONS)[number];

/** Every way in which a call to any provider can fail; `provider-error.ts` says what each means. */
export const PROVIDER_FAILURES = [
  'destination_unreachable',
  'pin_not_found',
  'not_accepted',
  'rejected',
  'unauthorized',
  'throttled',
  'number_throttled',
  'connection_failed',
  'connection_lost',
  'timed_out',
  'server_error',
  'invalid_response',
  'circuit_open',
  'overloaded',
] as const;
export type ProviderFailure = (typeof PROVIDER_FAILURES)[number];

/** `half_open`: one call probes whether the provider is back. */
export const CIRCUIT_STATES = ['closed', 'half_open', 'open'] as const;
export type CircuitState = (typeof CIRCUIT_STATES)[number];

/** If `ambiguous`, a provider may have sent the message. */
export const SEND_OUTCOMES = ['accepted', 'ambiguous', 'failed'] as const;
export type SendOutcome = (typeof SEND_OUTCOMES)[number];

/** Why a verification accepts no code. */
export const VERIFICATION_CLOSED_REASONS = [
  'expired',
  'attempts_exhausted',
  'already_verified',
  'cancelled',
  'reference_mismatch',
] as const;
export type VerificationClosedReason = (typeof VERIFICATION_CLOSED_REASONS)[number];

/** `unknown` if the provider gave no result, or it could not be stored. */
export const CHECK_OUTCOMES = [
  'verified',
  'wrong_code',
  ...VERIFICATION_CLOSED_REASONS,
  'unknown',
] as const;
export type CheckOutcome = (typeof CHECK_OUTCOMES)[number];

/** `would_block`: over a budget, in mode `observe`. */
export const FRAUD_DECISIONS = ['allowed', 'would_block', 'blocked'] as const;
export type FraudDecision = (typeof FRAUD_DECISIONS)[number];

/**
 * What a fraud budget counts: messages to a prefix or a country, of one client or of all clients.
 */
export const BUDGET_SCOPES = ['client_prefix', 'client_country', 'prefix', 'country'] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];

/**
 * Why a delivery report changes nothing. `signature`: its token or signature is missing or wrong.
 * `stale`: its signature is right, but too old. `unknown_id`: no message has its id. Such a report
 * is kept for a while, because the message may be stored later.
 */
export const REPORT_REFUSALS = ['signature', 'stale', 'malformed', 'unknown_id'] as const;
export type ReportRefusal = (typeof REPORT_REFUSALS)[number];

/** The methods of the storage that emit `storage_operation_completed`. */
export const STORAGE_OPERATIONS = [
  'reserveSend',
  'reserveResend',
  'confirmSend',
  'releaseSend',
  'reserveAttempt',
  'releaseAttempt',
  'keepAttempt',
  'completeVerified',
  'completeAttempt',
  'find',
  'cancel',
  'lastVerifiedAt',
  'erase',
  'applyReports',
  'findRequested',
] as const;
export type StorageOperation = (typeof STORAGE_OPERATIONS)[number];

/**
 * Limits that the database counts. Per client: `client_sends`, `client_wrong_codes`,
 * `client_unreachable`. Per client and phone number: `cooldown`, `sends_per_day`, `failures`,
 * `flood_filter`. Per client and end user's IP address: `end_user_sends`. Per verification:
 * `same_code`. The provider's flood filter is the reason of `flood_filter` and `same_code`.
 */
const STORED_LIMITS = [
  'cooldown',
  'sends_per_day',
  'failures',
  'client_sends',
  'client_wrong_codes',
  'client_unreachable',
  'end_user_sends',
  'flood_filter',
  'same_code',
] as const;
export type StoredLimit = (typeof STORED_LIMITS)[number];

/**
 * Limits that a client reaches only because of what other clients did: to one phone number
 * (`shared_sends_per_day`, `shared_failures`, `shared_flood_filter`) or to its prefix or country
 * (`shared_destination`).
 */
const SHARED_LIMITS = [
  'shared_sends_per_day',
  'shared_failures',
  'shared_flood_filter',
  'shared_destination',
] as const;
export type SharedLimit = (typeof SHARED_LIMITS)[number];

/** Every limit whose error is a 429. Those of requests per minute begin with `rate_limit_`. */
export const LIMITS = [
  ...STORED_LIMITS,
  ...SHARED_LIMITS,
  'rate_limit_send',
  'rate_limit_verify',
  'rate_limit_unauthenticated',
] as const;
export type LimitName = (typeof LIMITS)[number];
