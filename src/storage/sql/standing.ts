import type { ClosedReason, Verification } from '../verification-store.js';
import type { VerificationRow } from './schema.js';

/** How a row stands now: what its status says together with the clock and the attempts. */

export const attemptsRemaining = ({ attempts, max_attempts }: VerificationRow): number =>
  Math.max(0, max_attempts - attempts);

/** The status that its client sees; `undefined` while there is nothing to see. */
export function statusOf(row: VerificationRow, now: number): Verification['status'] | undefined {
  switch (row.status) {
    case 'sending':
    case 'failed':
      return undefined;
    case 'verified':
    case 'expired':
      return row.status;
    case 'cancelled':
      return attemptsRemaining(row) > 0 ? 'cancelled' : 'exhausted';
    case 'pending':
      if (now >= row.expires_at) return 'expired';
      return attemptsRemaining(row) > 0 ? 'pending' : 'exhausted';
  }
}

/** Why it takes no code, where it takes none. */
export function closureOf(row: VerificationRow, now: number): ClosedReason {
  switch (statusOf(row, now)) {
    case 'verified':
      return 'already_verified';
    case 'cancelled':
      return 'cancelled';
    case 'expired':
      return 'expired';
    default:
      return 'attempts_exhausted';
  }
}
