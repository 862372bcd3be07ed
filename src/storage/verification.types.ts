import type { Channel } from '../common/channel.js';
import type { DeliveryStatus } from '../common/delivery-status.js';
import type { PhoneNumber } from '../common/phone-number.js';

/** Selects one of a client's verifications: by its `pinId`, or the newest of a number. */
export type VerificationSelector =
  { readonly pinId: string } | { readonly phoneNumber: PhoneNumber };

export interface VerificationNotFound {
  readonly outcome: 'not_found';
}

/** Whether a verification was cancelled, or had ended before. */
export type CancelOutcome = 'cancelled' | 'ended' | 'not_found';

/** A provider's id of a verification. */
interface ProviderPin {
  readonly provider: string;
  readonly pinId: string;
}

/** A code that a provider has sent. */
export interface SentCode extends ProviderPin {
  /** How many digits the code has; absent if that is unknown, or if it may have letters. */
  readonly codeLength?: number | undefined;
  /**
   * The id of the message in delivery reports: absent if no reports are requested, empty if the
   * provider gave no id.
   */
  readonly messageId?: string | undefined;
}

/** A verification as its client may see it. Times are milliseconds since the epoch. */
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
  /** How many digits the code has; `undefined` if that is unknown. */
  readonly codeLength: number | undefined;
  /** The delivery of the newest message; `undefined` if no reports were requested for it. */
  readonly delivery: MessageDelivery | undefined;
}

/** What a provider reported of a message. */
export interface MessageDelivery {
  readonly status: DeliveryStatus;
  /** When the message got this status; `undefined` without a report. */
  readonly at: number | undefined;
}
