import type { EarlierCheckResult } from '../../common/check-result.js';
import { seconds } from '../../common/durations.js';
import { ProviderError } from '../provider-error.js';
import type { InfobipVerification, InfobipVerificationList } from './infobip.types.js';

/** A Unix time below this is in seconds; in milliseconds, this was in 1973. */
const MIN_MILLISECONDS = 100_000_000_000;

/** A send time in seconds is rounded down, and a clock may be corrected a little. */
const TOLERANCE_MS = seconds(2);

/**
 * Whether the PIN was verified that was first sent to a number at `sentAfter`. The list has no ids of
 * PINs: a verified one counts only if it is the only one that was sent since then.
 * @param sentAfter by the clock of Infobip
 * @throws ProviderError `invalid_response`
 */
export function findVerifiedPin(
  { verifications }: InfobipVerificationList,
  msisdn: string,
  sentAfter: number,
): EarlierCheckResult {
  if (!Array.isArray(verifications)) throw new ProviderError('invalid_response');
  const candidates = (verifications as readonly (InfobipVerification | null)[]).filter(
    (entry) => !wasSentBefore(entry?.sentAt, sentAfter - TOLERANCE_MS),
  );
  if (candidates.length === 0) return 'unknown';
  if (candidates.every((entry) => entry?.verified === false)) return 'not_verified';
  const [only, ...others] = candidates;
  const isVerified = only?.verified === true && only.msisdn === msisdn;
  return isVerified && others.length === 0 ? 'verified' : 'unknown';
}

/** Whether it was certainly sent before a time. Without `sentAt` that is unknown. */
function wasSentBefore(sentAt: unknown, time: number): boolean {
  if (typeof sentAt !== 'number') return false;
  return (sentAt < MIN_MILLISECONDS ? seconds(sentAt) : sentAt) < time;
}
