import type { PhoneNumber } from '../common/phone-number.js';
import type { Verdict } from '../common/verdict.js';

/** A verification as a send asks for it. Times are milliseconds since the epoch. */
export interface NewVerification {
  /** Our own opaque handle. */
  readonly pinId: string;
  readonly phoneNumber: PhoneNumber;
  readonly createdAt: number;
  /** From this moment on nothing verifies. */
  readonly expiresAt: number;
  /** Before this moment the number gets no other text. */
  readonly resendAvailableAt: number;
  readonly maxAttempts: number;
}

/** Whether a send may go ahead. */
export type Admission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly reason: 'cooldown'; readonly retryAt: number };

/** Why a verification accepts no code, as the caller hears it. */
export type Closure = 'expired' | 'attempts_exhausted' | 'already_verified' | 'cancelled';

/** Leave to ask the provider about one code; it has been counted already. */
export type Attempt =
  | { readonly granted: true; readonly phoneNumber: PhoneNumber; readonly providerPinId: string }
  | { readonly granted: false; readonly reason: Closure | 'not_found' };

/** What became of a judged code. */
export type Settlement =
  | { readonly verified: true }
  | { readonly verified: false; readonly reason: 'wrong_code'; readonly attemptsRemaining: number }
  | { readonly verified: false; readonly reason: Closure };

/**
 * Verifications and the moves of their life, each one atomic: `sending → pending → verified` or
 * `cancelled`, and `sending → failed`. States at an end never change. Expired and exhausted are
 * not written: they follow from the clock and the attempts.
 */
export abstract class VerificationStore {
  /** Writes a verification as `sending`, unless its number is still in its cooldown. */
  abstract admit(verification: NewVerification): Promise<Admission>;

  /** `sending → pending`: the provider took it. The number's older pending one is cancelled. */
  abstract confirm(pinId: string, providerPinId: string): Promise<void>;

  /** `sending → failed`. The cooldown is given back only if no text can have left. */
  abstract abandon(pinId: string, textMayHaveLeft: boolean): Promise<void>;

  /**
   * Counts one attempt, provided the verification is pending, unexpired and has one left. Counting
   * comes before asking, so that however many requests race, no more than the budget is judged.
   */
  abstract takeAttempt(pinId: string, now: number): Promise<Attempt>;

  /** Takes a counted attempt back: the provider never judged the code. */
  abstract returnAttempt(pinId: string): Promise<void>;

  /**
   * Applies the provider's verdict. `pending → verified` is the race gate: of any number of
   * callers with the right code exactly one hears `verified: true`. A provider's final no spends
   * what is left of the attempts but does not close the gate: the provider may say it to one of
   * two racing callers because it has just said yes to the other.
   */
  abstract settle(pinId: string, verdict: Verdict, now: number): Promise<Settlement>;
}
