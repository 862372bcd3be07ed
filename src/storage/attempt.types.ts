import type { Channel } from '../common/channel.js';
import type { VerificationClosedReason } from '../common/label-values.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { ClaimedIdempotentRequest, IdempotentReplay } from './idempotency.types.js';
import type { LimitExceeded, SharedLimitExceeded } from './limit.types.js';
import type { VerificationRow } from './migrations/schema.js';
import type { VerificationNotFound, VerificationSelector } from './verification.types.js';

/** A request to check a code. */
export interface AttemptRequest {
  readonly selector: VerificationSelector;
  readonly client: string;
  readonly reference: string | undefined;
  readonly now: number;
}

/** A reserved attempt: already counted, so the provider may check the code. */
export interface Attempt {
  readonly pinId: string;
  readonly client: string;
  readonly phoneNumber: PhoneNumber;
  /** Empty in rows from before budgets existed. */
  readonly country: string;
  readonly channel: Channel;
  readonly provider: string;
  readonly providerPinId: string;
  /** Its entry in the sliding window of the number's wrong codes. */
  readonly numberEntry: string;
  readonly numberHash: string;
  readonly prefixHash: string;
  readonly createdAt: number;
  readonly claim: ClaimedIdempotentRequest | undefined;
}

/** An attempt that is counted, but whose verification is not yet decrypted. */
export interface CountedAttempt extends Pick<Attempt, 'numberEntry' | 'claim'> {
  readonly row: VerificationRow;
}

/** Whether the provider may check the code. */
export type AttemptResult = AttemptGranted | AttemptRejection;

export type AttemptRejection =
  | VerificationClosed
  | VerificationNotFound
  | LimitExceeded
  | SharedLimitExceeded
  | IdempotentReplay;

interface AttemptGranted {
  readonly outcome: 'granted';
  readonly attempt: Attempt;
}

export interface VerificationClosed {
  readonly outcome: 'closed';
  readonly reason: VerificationClosedReason;
}

/** The result of a checked code, as the client receives it. */
export type VerifyResult =
  | { readonly verified: true }
  | { readonly verified: false; readonly reason: 'wrong_code'; readonly attemptsRemaining: number }
  | { readonly verified: false; readonly reason: VerificationClosedReason };
