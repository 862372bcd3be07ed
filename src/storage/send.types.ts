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

/** A verification as a send requests it. Times are milliseconds since the epoch. */
export interface NewVerification {
  /** The service's own random id; not the provider's. */
  readonly pinId: string;
  /** The only client that ever sees it. */
  readonly client: string;
  readonly phoneNumber: PhoneNumber;
  readonly destination: SendDestination;
  /** The normalised IP address of the end user. */
  readonly endUserAddress: string | undefined;
  /** Whether sends are counted and limited. False for a test number; its wrong codes are limited. */
  readonly hasSendLimits: boolean;
  readonly channel: Channel;
  /** A canonical BCP 47 tag; empty for the default language. */
  readonly locale: string;
  /** Those of the providers that may send the message; by default none. */
  readonly floodFilters?: FloodFilters;
  /** Those of the client; by default those of the settings. */
  readonly limits?: ClientLimits | undefined;
  /** The client's own context, which verify must repeat. */
  readonly reference: string | undefined;
  /** Given back in events, unlike the reference. */
  readonly eventReference: string | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly maxAttempts: number;
}

/** The destination of a message, as budgets count it. */
interface SendDestination {
  /** ISO 3166 code. */
  readonly country: string;
  /** E.164 without the last four digits. */
  readonly prefix: string;
  /** Whether no fraud budget counts its messages; by default one does. */
  readonly isTrusted?: boolean;
}

/** Another message with the code of a verification. */
export interface ResendRequest {
  readonly pinId: string;
  readonly client: string;
  readonly channel: Channel;
  /** Finds those of the providers that may send the message; by default none. */
  readonly findFloodFilters?: (to: PhoneNumber, issuer: string) => FloodFilters;
  /** Those of the client; by default those of the settings. */
  readonly limits?: ClientLimits | undefined;
  readonly now: number;
}

/** A reserved send: already counted against every limit. */
export interface SendReservation {
  readonly pinId: string;
  readonly client: string;
  readonly phoneNumber: PhoneNumber;
  /** Empty in rows from before budgets existed. */
  readonly country: string;
  readonly expiresAt: number;
  readonly channel: Channel;
  /** A canonical BCP 47 tag; empty for the default language. A resend has that of its send. */
  readonly locale: string;
  /** Given back in events. A resend has that of its send. */
  readonly eventReference: string | undefined;
  /** The code to send again; `undefined` for a new one. */
  readonly resendOf: SentCode | undefined;
  /** Removed if the send is released; `undefined` for a send without limits. */
  readonly entries: ReservationEntries | undefined;
  /** Empty without an end user. */
  readonly endUserHash: string;
  readonly prefixHash: string;
  readonly createdAt: number;
  readonly claim: ClaimedIdempotentRequest | undefined;
}

/** What a send added to the sliding window of its number and, if given, of its end user. */
export interface ReservationEntries {
  readonly number: string;
  readonly endUser: string | undefined;
}

/** A send that a provider accepted. */
export interface SendResult extends SentCode {
  /** Providers that were tried before and may have sent a message. */
  readonly possiblySentBy: readonly string[];
}

/**
 * What a send left that no provider accepted: providers that may have sent a message, or a look-up of
 * an unreachable number, which providers bill.
 */
export type FailedSendRemains = readonly string[] | 'unreachable';

export interface SendAdmitted {
  readonly outcome: 'admitted';
  readonly reservation: SendReservation;
  /** The exceeded budget, where budgets are not enforced. */
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
