import type { OtpError, VerifyResult } from 'otp-service-client';

type Rejection = Extract<VerifyResult, { verified: false }>;

/** A message for the user: why a code was not accepted. With Sinch, one wrong code ends a verification. */
export function describeRejection(result: Rejection): string {
  if (result.reason === 'wrong_code' && result.attemptsRemaining > 0) {
    return `That is not the code. Tries left: ${String(result.attemptsRemaining)}.`;
  }
  switch (result.reason) {
    case 'wrong_code':
    case 'attempts_exhausted':
      return 'That is not the code. Ask for a new one.';
    case 'expired':
      return 'This code has expired. Ask for a new one.';
    default:
      return 'This code is no longer valid. Ask for a new one.';
  }
}

/** A message for the user about an error of the service, whose `detail` is for developers. */
export function describeError({ code, retryAfterSeconds = 60 }: OtpError): string {
  switch (code) {
    case 'validation_failed':
    case 'destination_not_allowed':
    case 'destination_unreachable':
      return 'Check the number and the code. We cannot send a code to every number.';
    case 'cooldown_active':
    case 'quota_exceeded':
    case 'too_many_requests':
    case 'destination_suspended':
      return `Please wait ${String(retryAfterSeconds)} seconds, then try again.`;
    default:
      return 'This does not work at the moment. Try again in a few minutes.';
  }
}
