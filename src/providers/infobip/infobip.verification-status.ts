import type { EarlierCheckResult } from '../../common/check-result.js';
import { seconds } from '../../common/durations.js';
import { ProviderError } from '../provider-error.js';
import type { InfobipVerification, InfobipVerificationList } from './infobip.types.js';

/** A Unix time below this must be in seconds: in milliseconds, it would be before 1974. */
const MIN_MILLISECONDS = 100_000_000_000;

/** Infobip may round a send time down to a second, and correct its clock a little after the send. */
const TOLERANCE_MS = seconds(2);

/**
 * Finds whether a PIN was verified, in the list of the PINs that were sent to its number. The list has no
 * PIN ids: a verified entry counts only if no other PIN was sent since `sentAfter`.
 * @param sentAfter when the PIN was requested, by the clock of Infobip: milliseconds since the epoch
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

/** Whether a PIN was certainly sent before a time. Without a `sentAt`, that is not certain. */
function wasSentBefore(sentAt: unknown, time: number): boolean {
  if (typeof sentAt !== 'number') return false;
  return (sentAt < MIN_MILLISECONDS ? seconds(sentAt) : sentAt) < time;
}
