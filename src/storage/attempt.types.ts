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
  readonly reference: string | undefined;
  /** How many digits or letters the submitted code has. */
  readonly codeLength: number;
  /** Those of the client; by default those of the settings. */
  readonly limits?: ClientLimits | undefined;
  readonly now: number;
}

/** An attempt. If it is granted, it is already counted, so the provider may check the code. */
export interface Attempt {
  readonly pinId: string;
  readonly client: string;
  readonly phoneNumber: PhoneNumber;
  /** Empty in rows from before budgets existed. */
  readonly country: string;
  readonly channel: Channel;
  readonly provider: string;
  readonly providerPinId: string;
  /** Its entry in the sliding window of the number's wrong codes; empty if it is not counted. */
  readonly numberEntry: string;
  /** Whether it repeats a request whose answer was lost: both carry the same code. */
  readonly isRepeat: boolean;
  /** Whether the answer to an earlier check, or to the repeated one, was lost. */
  readonly followsLostAnswer: boolean;
  readonly numberHash: string;
  readonly createdAt: number;
  readonly claim: ClaimedIdempotentRequest | undefined;
  /** Goes with `verified: true`, and is stored with it: a client asked for it, and the code is right. */
  readonly proof?: string;
}

/** An attempt that is counted or rejected, and whose verification is not yet decrypted. */
export interface UndecryptedAttempt extends Pick<Attempt, 'numberEntry' | 'claim' | 'isRepeat'> {
  readonly row: AttemptedVerificationRow;
  /** Why it is not counted. The answer to an earlier check was lost. */
  readonly rejection?: FinalRejection;
}

/** Whether the provider may check the code. */
export type AttemptResult = AttemptGranted | AttemptUnresolved | AttemptRejection;

export type AttemptRejection =
  FinalRejection | VerificationNotFound | WrongCodeLength | EarlierRequestState;

/** No code is checked, because the verification is closed or a limit was reached. */
export type FinalRejection = VerificationClosed | LimitExceeded | SharedLimitExceeded;

interface AttemptGranted {
  readonly outcome: 'granted';
  readonly attempt: Attempt;
}

/** The answer to an earlier check was lost: the rejection holds only if its code was wrong. */
export interface AttemptUnresolved {
  readonly outcome: 'unresolved';
  readonly attempt: Attempt;
  readonly rejection: FinalRejection;
}

/** The code of the verification has another length. */
export interface WrongCodeLength {
  readonly outcome: 'wrong_length';
  /** How many digits it has. */
  readonly codeLength: number;
}

interface VerificationClosed {
  readonly outcome: 'closed';
  readonly reason: VerificationClosedReason;
}

/** The code was right. */
export interface VerifiedResult {
  readonly verified: true;
  /** That of the attempt. */
  readonly proof?: string;
}

/** The result of a checked code, as the client receives it. */
export type VerifyResult =
  | VerifiedResult
  | { readonly verified: false; readonly reason: 'wrong_code'; readonly attemptsRemaining: number }
  | { readonly verified: false; readonly reason: VerificationClosedReason };
