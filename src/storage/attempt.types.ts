import type { Channel } from '../common/channel.js';
import type { VerificationClosedReason } from '../common/label-values.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { ClaimedIdempotentRequest, EarlierRequestState } from './idempotency.types.js';
import type { ClientLimits, LimitExceeded, SharedLimitExceeded } from './limit.types.js';
import type { AttemptedVerificationRow } from './migrations/schema.js';
import type { VerificationNotFound, VerificationSelector } from './verification.types.js';

/** A request to check a code. */
export interface AttemptRequest {
  readonly selector: VerificationSelector;
  readonly client: string;
  /** Must equal the reference of the send; `undefined` if the send had none. */
  readonly reference: string | undefined;
  /** How many digits or letters the submitted code has. */
  readonly codeLength: number;
  /** The client's limits; by default the limits of the settings. */
  readonly limits?: ClientLimits | undefined;
  /** In milliseconds since the epoch. */
  readonly now: number;
}

/** A submitted code and its verification. Times are milliseconds since the epoch. */
export interface Attempt {
  readonly pinId: string;
  readonly client: string;
  readonly phoneNumber: PhoneNumber;
  /** ISO 3166 code, or `001` if non-geographic; empty in rows from before budgets existed. */
  readonly country: string;
  readonly channel: Channel;
  readonly provider: string;
  readonly providerPinId: string;
  /** The encrypted PIN id, as stored: a resend replaces it. */
  readonly sealed: string;
  /**
   * The attempt's entry in the sliding window of wrong codes; empty if the attempt is not counted.
   */
  readonly numberEntry: string;
  /** Whether the request repeats one whose answer was lost: both requests have the same code. */
  readonly isRepeat: boolean;
  /** Whether the provider's answer to an earlier check, or to the repeated check, was lost. */
  readonly followsLostAnswer: boolean;
  readonly numberHash: string;
  readonly createdAt: number;
  /** When the message with the code was requested: that of the newest confirmed resend, if any. */
  readonly requestedAt: number;
  /** `undefined` for a request without an `Idempotency-Key`. */
  readonly claim: ClaimedIdempotentRequest | undefined;
  /**
   * Signed proof of the verification, for `verified: true`; absent if the client asked for none.
   */
  readonly proof?: string;
}

/**
 * An attempt whose verification is not yet decrypted. It is counted, unless it has a `rejection`.
 */
export interface UndecryptedAttempt extends Pick<Attempt, 'numberEntry' | 'claim' | 'isRepeat'> {
  readonly row: AttemptedVerificationRow;
  /** Why the attempt is not counted. Present only if the answer to an earlier check was lost. */
  readonly rejection?: FinalRejection;
}

/** Whether the provider may check the code. */
export type AttemptResult = AttemptGranted | AttemptUnresolved | AttemptRejection;

export type AttemptRejection =
  FinalRejection | VerificationNotFound | WrongCodeLength | EarlierRequestState;

/** The code is not checked, because the verification is closed or a limit was reached. */
export type FinalRejection = VerificationClosed | LimitExceeded | SharedLimitExceeded;

/** The attempt is counted: the provider may check its code. */
interface AttemptGranted {
  readonly outcome: 'granted';
  readonly attempt: Attempt;
}

/**
 * The answer to an earlier check was lost. The rejection holds only if that check's code was wrong.
 */
export interface AttemptUnresolved {
  readonly outcome: 'unresolved';
  readonly attempt: Attempt;
  readonly rejection: FinalRejection;
}

/** The submitted code has another length than the code of the verification. */
export interface WrongCodeLength {
  readonly outcome: 'wrong_length';
  /** How many digits the verification's code has. */
  readonly codeLength: number;
}

interface VerificationClosed {
  readonly outcome: 'closed';
  readonly reason: VerificationClosedReason;
}

/** The code was right. */
export interface VerifiedResult {
  readonly verified: true;
  /** The attempt's proof. */
  readonly proof?: string;
}

/** The result of a checked code, as the client receives it. */
export type VerifyResult =
  | VerifiedResult
  | { readonly verified: false; readonly reason: 'wrong_code'; readonly attemptsRemaining: number }
  | { readonly verified: false; readonly reason: VerificationClosedReason };
