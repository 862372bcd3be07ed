import type { OtpError, VerifyResult } from 'otp-service-client';

type RejectionReason = Extract<VerifyResult, { verified: false }>['reason'];

const REJECTIONS: Record<Exclude<RejectionReason, 'wrong_code'>, string> = {
  expired: 'This code has expired. Ask for a new one.',
  attempts_exhausted: 'Too many wrong codes. Ask for a new one.',
  already_verified: 'This code was used already. Ask for a new one.',
  cancelled: 'A newer code was sent. Enter that one, or ask for a new one.',
  reference_mismatch: 'This code is no longer valid. Ask for a new one.',
};

/** A message for the visitor about text that is not a phone number. */
export const INVALID_NUMBER =
  'Check the number. Begin with + and the country code, as in +1 415 555 2671.';

/** A message for the visitor: why a code was not accepted. */
export function describeRejection(reason: RejectionReason, attemptsRemaining: number): string {
  if (reason !== 'wrong_code') return REJECTIONS[reason];
  if (attemptsRemaining === 0) return REJECTIONS.attempts_exhausted;
  const left = attemptsRemaining === 1 ? '1 try' : `${String(attemptsRemaining)} tries`;
  return `That is not the code. You have ${left} left.`;
}

/** A message for the visitor about an error of the service, whose `detail` is for developers. */
export function describeError({ code, errors, retryAfterSeconds = 60 }: OtpError): string {
  switch (code) {
    case 'validation_failed':
      return errors.some(({ pointer }) => pointer === '#/otpCode')
        ? 'Enter the digits of the code, as in the message.'
        : INVALID_NUMBER;
    case 'destination_not_allowed':
    case 'destination_unreachable':
      return 'We cannot send a code to this number. Use another one.';
    case 'cooldown_active':
    case 'quota_exceeded':
    case 'too_many_requests':
    case 'destination_suspended':
      return waitMessage(retryAfterSeconds);
    case 'verification_not_found':
      return 'No code was sent to this number. Ask for one.';
    case 'provider_timeout':
      return 'We do not know whether that worked. Wait a minute, then ask for a new code.';
    default:
      return 'This does not work at the moment. Try again in a few minutes.';
  }
}

export function waitMessage(seconds: number): string {
  const [count, unit] =
    seconds < 90
      ? [seconds, 'second']
      : seconds < 5_400
        ? [Math.ceil(seconds / 60), 'minute']
        : [Math.ceil(seconds / 3_600), 'hour'];
  return `Please wait ${String(count)} ${unit}${count === 1 ? '' : 's'}, then try again.`;
}
