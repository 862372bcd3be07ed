import type { Channel } from '../../common/channel.js';
import type { Verification } from '../../storage/verification-store.js';

export interface VerificationResponse {
  readonly pinId: string;
  readonly status: Verification['status'];
  /** The number, masked: `+1415•••2671`. */
  readonly to: string;
  readonly channel: Channel;
  /** ISO 8601, UTC, as the other times. */
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly verifiedAt?: string;
  /** How many more codes may be tried. */
  readonly attemptsRemaining: number;
  /** Only of a test number, which nothing is sent to. */
  readonly test?: true;
}
