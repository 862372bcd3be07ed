import type { CheckResult, GetAttemptsPerCode } from '../../common/check-result.js';
import type { VerifyResult } from '../attempt.types.js';
import type { VerificationRow } from '../migrations/schema.js';
import { getAttemptsRemaining, getClosedReason } from './verification-status.js';

/** Whether the provider accepts no more codes for the verification. */
export const exhaustsAttempts = (result: CheckResult): boolean =>
  result === 'attempts_exhausted' || result === 'wrong_code_final';

export const isWrong = (result: CheckResult): boolean =>
  result === 'wrong_code' || result === 'wrong_code_final';

/** The result for the client, if the provider rejected its code. */
export function toVerifyResult(
  row: VerificationRow | undefined,
  result: CheckResult,
  now: number,
  getAttemptsPerCode: GetAttemptsPerCode,
): VerifyResult {
  // The verification was erased while the provider checked the code.
  if (!row) return { verified: false, reason: 'cancelled' };
  const closed = { verified: false, reason: getClosedReason(row, now) } as const;
  if (row.status !== 'pending') return closed;
  if (now >= row.expires_at) {
    // If the code was right, its check took until the expiry.
    return result === 'verified' ? { verified: false, reason: 'expired' } : closed;
  }
  // A resend may have sent a code of another provider meanwhile.
  const attemptsRemaining = Math.min(getAttemptsRemaining(row), getAttemptsPerCode(row.provider));
  // After a final result, attempts remain only if another message has replaced the code, or may do so.
  if (result === 'wrong_code' || attemptsRemaining > 0) {
    return { verified: false, reason: 'wrong_code', attemptsRemaining };
  }
  return closed;
}
