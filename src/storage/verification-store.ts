import type { Channel } from '../common/channel.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { CheckResult } from '../common/check-result.js';
import type { BudgetViolation, TrafficEvaluator } from './traffic.types.js';

/** A request that came with an `Idempotency-Key`. */
export interface IdempotentRequest {
  readonly key: string;
  /** Method, path and body: what a repeat has to have in common with it. */
  readonly request: string;
}

/** The idempotency key of a request in the hands of one run of it. */
export interface IdempotencyClaim {
  readonly keyHash: string;
  /** Tells this run from all others. */
  readonly runId: string;
}

/** A verification as a send asks for it. Times are milliseconds since the epoch. */
export interface NewVerification {
  /** Our own opaque handle. */
  readonly pinId: string;
  /** Whose it is. Nobody else ever sees it. */
  readonly client: string;
  readonly phoneNumber: PhoneNumber;
  readonly destination: Destination;
  /** Whose phone it is said to be: the normalised address of the caller's own user. */
  readonly endUserAddress: string | undefined;
  /**
   * Whether the text is counted and limited. False for a test number, which nobody is texted at;
   * its wrong codes are limited all the same.
   */
  readonly limited: boolean;
  readonly channel: Channel;
  /** The caller's own context, which verify has to repeat. */
  readonly reference: string | undefined;
  readonly createdAt: number;
  /** From this moment on nothing verifies. */
  readonly expiresAt: number;
  readonly maxAttempts: number;
}

/** Where a text goes, as budgets see it. */
interface Destination {
  /** ISO 3166 code. */
  readonly country: string;
  /** E.164 less the last four digits. */
  readonly prefix: string;
}

/** Names one of a client's verifications: by its handle, or as the newest of a number. */
export type VerificationSelector =
  { readonly pinId: string } | { readonly phoneNumber: PhoneNumber };

/** A limit was reached, and when it ends. */
export interface LimitExceeded {
  readonly outcome: 'limited';
  /**
   * Of the phone number, all clients together: `cooldown`, `sends_per_day`, `failures`. Of the
   * client: `client_sends`. Of one address that its users come from: `end_user_sends`.
   */
  readonly limit: 'cooldown' | 'sends_per_day' | 'failures' | 'client_sends' | 'end_user_sends';
  readonly until: number;
}

/** A destination is over a budget, and when the oldest text that counts against it is forgotten. */
export interface DestinationSuspended {
  readonly outcome: 'suspended';
  readonly violation: BudgetViolation;
  readonly phoneNumber: PhoneNumber;
  readonly until: number;
}

/** A request with this idempotency key came before. */
export type IdempotentReplay =
  | { readonly outcome: 'replayed'; readonly answer: unknown }
  /** It came so far that a text may have left, and nobody knows its end. */
  | { readonly outcome: 'ambiguous' }
  | { readonly outcome: 'running' }
  | { readonly outcome: 'key_reused' };

export interface VerificationNotFound {
  readonly outcome: 'not_found';
}

/** A provider's handle of a code. */
interface ProviderPin {
  readonly provider: string;
  readonly pinId: string;
}

/** A text that a provider has taken. */
export interface SendResult extends ProviderPin {
  /** The providers that may have sent a text before, without having said so. */
  readonly possiblySentBy: readonly string[];
}

/** Leave to have one text sent; it has been counted already. */
export interface SendReservation {
  readonly pinId: string;
  readonly client: string;
  readonly phoneNumber: PhoneNumber;
  /** Of the number; empty where it was not written down. */
  readonly country: string;
  readonly expiresAt: number;
  readonly channel: Channel;
  /** The code to send again; `undefined` for a new one. */
  readonly pinToResend: ProviderPin | undefined;
  /** By these it can be given back; `undefined` for a text that is not limited. */
  readonly entries: ReservationEntries | undefined;
  /** By these it is counted. */
  readonly endUserHash: string;
  readonly prefixHash: string;
  readonly createdAt: number;
  readonly key: IdempotencyClaim | undefined;
}

/** A text's entries in the logs of its number and, where one was named, of its end user. */
export interface ReservationEntries {
  readonly number: string;
  readonly endUser: string | undefined;
}

export interface SendAdmitted {
  readonly outcome: 'admitted';
  readonly reservation: SendReservation;
  /** The budget that it is over, where budgets are not enforced. */
  readonly violation: BudgetViolation | undefined;
}

/** One more text with the code of a verification. */
export interface ResendRequest {
  readonly pinId: string;
  readonly client: string;
  readonly channel: Channel;
  readonly now: number;
}

export type SendAdmission = SendAdmitted | LimitExceeded | DestinationSuspended | IdempotentReplay;

export type ResendAdmission =
  | SendAdmission
  | VerificationNotFound
  /** It is no longer pending. */
  | { readonly outcome: 'not_resendable' };

/** Why a verification accepts no code, as the caller hears it. */
export type ClosedReason =
  'expired' | 'attempts_exhausted' | 'already_verified' | 'cancelled' | 'reference_mismatch';

/** Leave to ask the provider about one code; it has been counted already. */
export interface Attempt {
  readonly pinId: string;
  readonly client: string;
  readonly phoneNumber: PhoneNumber;
  /** Of the number; empty where it was not written down. */
  readonly country: string;
  readonly channel: Channel;
  readonly provider: string;
  readonly providerPinId: string;
  /** The code's entry in the number's log. */
  readonly entry: string;
  /** By this its wrong codes are counted. */
  readonly numberHash: string;
  /** By these its texts are counted. */
  readonly prefixHash: string;
  readonly createdAt: number;
  readonly key: IdempotencyClaim | undefined;
}

/** A code that somebody brings. */
export interface AttemptRequest {
  readonly selector: VerificationSelector;
  readonly client: string;
  readonly reference: string | undefined;
  readonly now: number;
}

/** Whether the provider may be asked about a code. */
export type AttemptResult =
  AttemptGranted | VerificationClosed | VerificationNotFound | LimitExceeded | IdempotentReplay;

interface AttemptGranted {
  readonly outcome: 'granted';
  readonly attempt: Attempt;
}

export interface VerificationClosed {
  readonly outcome: 'closed';
  readonly reason: ClosedReason;
}

/** What became of a judged code: the answer to the caller. */
export type VerifyResult =
  | { readonly verified: true }
  | { readonly verified: false; readonly reason: 'wrong_code'; readonly attemptsRemaining: number }
  | { readonly verified: false; readonly reason: ClosedReason };

/** A verification as its client may see it. */
export interface Verification {
  readonly pinId: string;
  readonly status: 'pending' | 'verified' | 'expired' | 'exhausted' | 'cancelled';
  readonly phoneNumber: PhoneNumber;
  readonly provider: string;
  readonly channel: Channel;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly verifiedAt: number | undefined;
  readonly attemptsRemaining: number;
}

/**
 * Verifications and the moves of their life, each one atomic, over any number of replicas:
 * `sending → pending → verified` or `cancelled`, and `sending → failed`. States at an end never
 * change; expired and exhausted are two of these, and follow from the clock and the attempts.
 *
 * Every method throws DomainError `storage_unavailable` where the records cannot be reached.
 */
export abstract class VerificationStore {
  /**
   * Counts the text against its number, end user, client and destination and writes the
   * verification as `sending`, or nothing of it.
   * @param judge is asked about the destination with the text counted, unless somebody verified
   * the number in the last 90 days.
   */
  abstract reserveSend(
    verification: NewVerification,
    keyed?: IdempotentRequest,
    judge?: TrafficEvaluator,
  ): Promise<SendAdmission>;

  /** Counts one more text with the code of a verification that is still pending, as {@link reserveSend}. */
  abstract reserveResend(
    resend: ResendRequest,
    keyed?: IdempotentRequest,
    judge?: TrafficEvaluator,
  ): Promise<ResendAdmission>;

  /**
   * The provider has taken a text: `sending → pending`, the client's older pending verification of
   * the number is cancelled, and the answer is kept for repeats of the request.
   * @returns false if the verification of a new code was given up or erased in the meantime.
   */
  abstract confirmSend(
    reservation: SendReservation,
    taken: SendResult,
    answer: unknown,
  ): Promise<boolean>;

  /**
   * No provider has taken a text. If nothing can have left, what it was counted for and its
   * idempotency key are given back, and of a new code nothing is left; else `sending → failed`. A
   * resend leaves the verification as it was.
   * @param possiblySentBy the providers that may have sent a text all the same.
   */
  abstract releaseSend(
    reservation: SendReservation,
    possiblySentBy: readonly string[],
  ): Promise<void>;

  /**
   * Counts one attempt, against the verification and against its number. Counting comes before
   * asking, so that however many requests race, no more than the budgets are judged.
   */
  abstract reserveAttempt(asked: AttemptRequest, keyed?: IdempotentRequest): Promise<AttemptResult>;

  /** Takes a counted attempt back: the provider never judged the code. */
  abstract releaseAttempt(attempt: Attempt): Promise<void>;

  /**
   * Applies the provider's verdict. `pending → verified` is the race gate: of any number of
   * callers with the right code exactly one hears `verified: true`. A provider's final no spends
   * what is left of the attempts but does not close the gate: the provider may say it to one of
   * two racing callers because it has just said yes to the other.
   */
  abstract completeAttempt(
    attempt: Attempt,
    verdict: CheckResult,
    now: number,
  ): Promise<VerifyResult>;

  /** One of the client's verifications, once the provider has taken it. */
  abstract find(pinId: string, client: string, now: number): Promise<Verification | undefined>;

  /** `pending → cancelled`; one that has ended stays as it is. @returns false if there is none. */
  abstract cancel(pinId: string, client: string, now: number): Promise<boolean>;

  /** When the client last had this number verified, as far as records reach back. */
  abstract lastVerifiedAt(phoneNumber: PhoneNumber, client: string): Promise<number | undefined>;

  /** Forgets all that the client stored about a number. What limits the number stays. */
  abstract erase(phoneNumber: PhoneNumber, client: string): Promise<void>;
}
