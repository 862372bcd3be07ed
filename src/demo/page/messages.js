import { NoResponse } from './api.js';

/**
 * Messages for a `reason` of `POST /otp/verify` after which the code cannot be used. `wrong_code` is one
 * if no attempts remain.
 */
const REASONS = {
  wrong_code: 'Too many wrong codes. Send a new one.',
  attempts_exhausted: 'Too many wrong codes. Send a new one.',
  expired: 'This code has expired. Send a new one.',
  // This page never cancels a verification itself; a newer send does.
  cancelled: 'A newer code was sent, so this one is no longer valid. Send a new one.',
  already_verified: 'This code was used before. Send a new one.',
};

export const describeReason = (reason) =>
  REASONS[reason] ?? 'This code is no longer valid. Send a new one.';

/** The message for a failed request. */
export function describeError(error) {
  if (error instanceof NoResponse)
    return 'The service cannot be reached. Check the connection, then try again.';
  const retry =
    error.retryAfter > 0 ? `Try again in ${formatSeconds(error.retryAfter)}.` : 'Try again.';
  switch (error.code) {
    case 'validation_failed':
      return error.errors.map(({ detail }) => detail).join(' ');
    case 'cooldown_active':
      return `This number was sent a code moments ago. ${retry}`;
    case 'quota_exceeded':
    case 'too_many_requests':
      return `A limit is reached. ${retry}`;
    case 'destination_not_allowed':
      return 'No codes are sent to numbers like this one. Use another one.';
    case 'destination_unreachable':
      return 'This number cannot be reached. Check it, or use another one.';
    case 'provider_timeout':
      return 'That took too long. If no message arrives, try again.';
    case 'verification_not_found':
    case 'not_resendable':
      return describeReason(undefined);
    default:
      return `That does not work right now. ${retry}`;
  }
}

const UNITS = [
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** Formats seconds for people: "28 seconds", "5 minutes". */
export function formatSeconds(seconds) {
  const [unit, size] = UNITS.find(([, least]) => seconds >= 2 * least) ?? ['second', 1];
  const format = new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'long' });
  return format.format(Math.round(seconds / size));
}
