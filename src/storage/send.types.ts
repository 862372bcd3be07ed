import type { Channel } from '../common/channel.js';
import type { FloodFilters } from '../common/flood-filter.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { ClaimedIdempotentRequest, EarlierRequestState } from './idempotency.types.js';
import type {
  BudgetViolation,
  ClientLimits,
  DestinationSuspended,
  LimitExceeded,
  SharedBudgetExceeded,
  SharedLimitExceeded,
} from './limit.types.js';
import type { SentCode, VerificationNotFound } from './verification.types.js';

/** The verification that a send creates. Times are milliseconds since the epoch. */
export interface NewVerification {
  /** The service's own random id; not the provider's. */
  readonly pinId: string;
  /** The only client that may see the verification. */
  readonly client: string;
  readonly phoneNumber: PhoneNumber;
  readonly destination: SendDestination;
  /** The normalised IP address of the end user. */
  readonly endUserAddress: string | undefined;
  /** Whether sends are counted and limited. False for a test number: only its wrong codes are limited. */
  readonly hasSendLimits: boolean;
  readonly channel: Channel;
  /** A canonical BCP 47 tag; empty for the default language. */
  readonly locale: string;
  /** Flood filters of the providers that may send the message; by default none. */
  readonly floodFilters?: FloodFilters;
  /** The client's limits; by default the limits of the settings. */
  readonly limits?: ClientLimits | undefined;
  /** The client's own context, which verify must repeat. */
  readonly reference: string | undefined;
  /** A value from the client, returned in webhook events. They do not contain `reference`. */
  readonly eventReference: string | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly maxAttempts: number;
}

/** The destination of a message, as budgets count it. */
interface SendDestination {
  /** ISO 3166 code, or `001` if non-geographic. */
  readonly country: string;
  /** E.164 without the last four digits. */
  readonly prefix: string;
  /** True if the fraud budgets do not count messages to it; by default they do. */
  readonly isTrusted?: boolean;
}

/** Another message with the code of a verification. */
export interface ResendRequest {
  readonly pinId: string;
  readonly client: string;
  readonly channel: Channel;
  /**
   * Finds the flood filters of the providers that may send the message; by default none.
   * @param issuer the name of the provider that generated the code
   */
  readonly findFloodFilters?: (to: PhoneNumber, issuer: string) => FloodFilters;
  /** The client's limits; by default the limits of the settings. */
  readonly limits?: ClientLimits | undefined;
  readonly now: number;
}

/**
 * A send that is counted against every limit, before a provider is called. If no message is
 * sent, it is released and no longer counts.
 */
export interface SendReservation {
  readonly pinId: string;
  readonly client: string;
  readonly phoneNumber: PhoneNumber;
  /** ISO 3166 code, or `001` if non-geographic; empty in rows from before budgets existed. */
  readonly country: string;
  readonly expiresAt: number;
  readonly channel: Channel;
  /** A canonical BCP 47 tag; empty for the default language. A resend has that of its send. */
  readonly locale: string;
  /** A value from the client, returned in webhook events. A resend has that of its send. */
  readonly eventReference: string | undefined;
  /** The code to send again; `undefined` for a new code. */
  readonly resendOf: StoredCode | undefined;
  /** Entries in sliding windows, removed if the send is released; `undefined` without limits. */
  readonly entries: ReservationEntries | undefined;
  /** Empty without an end user. */
  readonly endUserHash: string;
  readonly prefixHash: string;
  readonly createdAt: number;
  /** When this send was requested; of a resend later than `createdAt`. */
  readonly requestedAt: number;
  /** `undefined` for a request without an `Idempotency-Key`. */
  readonly claim: ClaimedIdempotentRequest | undefined;
}

/**
 * The entries of a send in the sliding windows of its number and, if given, of its end user. Each is a
 * time with a random suffix, as text.
 */
export interface ReservationEntries {
  readonly number: string;
  readonly endUser: string | undefined;
}

/** The code of a verification when a resend was reserved. */
interface StoredCode extends SentCode {
  /** Its encrypted PIN id, as stored: each confirmed resend changes it. */
  readonly sealed: string;
}

/** A send that a provider accepted. */
export interface SendResult extends SentCode {
  /** Providers that were tried before and may have sent a message. */
  readonly possiblySentBy: readonly string[];
}

/**
 * What became of a send that a provider accepted. Meanwhile its verification may have been erased, or a
 * new one abandoned (`not_found`). That of a resend may have ended or have no attempts left
 * (`not_resendable`).
 */
export type ConfirmOutcome = 'confirmed' | 'not_found' | 'not_resendable';

/**
 * The outcome of a send that no provider accepted: the names of providers that may have sent a message, or
 * `unreachable`. A send to an unreachable number stays counted, because providers bill the number lookup.
 */
export type FailedSendOutcome = readonly string[] | 'unreachable';

/** The send may go to a provider. */
export interface SendAdmitted {
  readonly outcome: 'admitted';
  readonly reservation: SendReservation;
  /** The budget that the send exceeds, if budgets are only observed. */
  readonly violation: BudgetViolation | undefined;
}

export type SendAdmission =
  | SendAdmitted
  | LimitExceeded
  | SharedLimitExceeded
  | SharedBudgetExceeded
  | DestinationSuspended
  | EarlierRequestState;

export type ResendAdmission =
  | SendAdmission
  | VerificationNotFound
  /** The verification is no longer pending. */
  | { readonly outcome: 'not_resendable' }
  /** The code expires before a user could enter it. */
  | { readonly outcome: 'expires_soon' };
