import type { VerificationClosedReason } from '../../common/label-values.js';
import type { Verification } from '../verification.types.js';
import type { VerificationRow } from '../migrations/schema.js';

export const getAttemptsRemaining = ({ attempts, max_attempts }: VerificationRow): number =>
  Math.max(0, max_attempts - attempts);

/**
 * How many codes were checked. To use up the attempts, `exhaustAttempts` adds `max_attempts`, after at
 * least one check.
 */
export const getCheckedCodes = ({ attempts, max_attempts }: VerificationRow): number =>
  attempts > max_attempts ? ((attempts - 1) % max_attempts) + 1 : attempts;

/** How many digits the code has; `undefined` if that is not known. */
export const getCodeLength = (row: VerificationRow): number | undefined =>
  row.code_length > 0 && row.code_provider === row.provider ? row.code_length : undefined;

/** Whether a code that is submitted now may still be checked, as far as this verification decides. */
export const acceptsCodes = (row: VerificationRow, now: number): boolean =>
  row.status === 'pending' && now < row.expires_at && getAttemptsRemaining(row) > 0;

/** The status by its row, the clock and the attempts; `undefined` before a provider accepts it. */
export function getStatusAt(row: VerificationRow, now: number): Verification['status'] | undefined {
  switch (row.status) {
    case 'sending':
    case 'failed':
      return undefined;
    case 'unclaimed':
    case 'verified':
      return 'verified';
    case 'expired':
    case 'cancelled':
      return getAttemptsRemaining(row) > 0 ? row.status : 'exhausted';
    case 'pending': {
      const isExpired = now >= row.expires_at;
      if (getAttemptsRemaining(row) > 0) return isExpired ? 'expired' : 'pending';
      // A code that is still being checked may be right.
      return isExpired || row.unresolved === 0 ? 'exhausted' : 'pending';
    }
  }
}

/** Why a closed verification accepts no code. */
export function getClosedReason(row: VerificationRow, now: number): VerificationClosedReason {
  switch (getStatusAt(row, now)) {
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

/**
 * Whether the answer to an unresolved check is lost, or assumed to be lost.
 * @param own how many of the unresolved checks are certainly still running
 * @param isRepeat whether a request repeats one whose answer was lost
 */
export const hasLostAnswer = (
  { unresolved, lost_at }: Pick<VerificationRow, 'unresolved' | 'lost_at'>,
  now: number,
  { own = 0, isRepeat }: { own?: number; isRepeat: boolean },
): boolean => unresolved > own && (isRepeat || lost_at <= now);
