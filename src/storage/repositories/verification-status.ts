import type { ClosedReason } from '../attempt.types.js';
import type { Verification } from '../verification.types.js';
import type { VerificationRow } from '../migrations/schema.js';

export const attemptsRemaining = ({ attempts, max_attempts }: VerificationRow): number =>
  Math.max(0, max_attempts - attempts);

/** The status by its row, the clock and the attempts; `undefined` before a provider accepts it. */
export function effectiveStatus(
  row: VerificationRow,
  now: number,
): Verification['status'] | undefined {
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

/** Why a closed verification accepts no code. */
export function closedReason(row: VerificationRow, now: number): ClosedReason {
  switch (effectiveStatus(row, now)) {
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
