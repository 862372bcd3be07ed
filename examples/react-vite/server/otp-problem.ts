import { OtpConnectionError, OtpError, OtpTimeoutError } from 'otp-service-client';
import type { OtpAction, OtpProblem } from './otp-state.js';

/** Turns an error into a problem that the browser may see. Logs errors that need an operator. */
export function describeProblem(error: unknown, action: OtpAction): OtpProblem {
  if (error instanceof OtpConnectionError || error instanceof OtpTimeoutError) {
    console.error(error.message);
    // A verify may have checked the code. After any other action, the user can simply try again.
    return { action, code: action === 'verify' ? 'outcome_unknown' : 'unavailable' };
  }
  if (!(error instanceof OtpError)) throw error;
  const code = toProblemCode(error, action);
  // The message holds the error code and the request id, but nothing personal.
  if (code === 'unavailable' || code === 'outcome_unknown') console.error(error.message);
  return { action, code, retryAfterSeconds: error.retryAfterSeconds };
}

function toProblemCode({ code }: OtpError, action: OtpAction): OtpProblem['code'] {
  switch (code) {
    case 'validation_failed':
      return action === 'verify' ? 'invalid_code' : 'invalid_number';
    case 'destination_not_allowed':
    case 'destination_unreachable':
      return 'number_not_possible';
    case 'cooldown_active':
    case 'too_many_requests':
      return 'too_soon';
    case 'quota_exceeded':
      return 'limit_reached';
    case 'destination_suspended':
      return 'area_suspended';
    case 'provider_timeout':
    case 'provider_error':
      return 'outcome_unknown';
    case 'verification_not_found':
      return 'no_session';
    default:
      return 'unavailable';
  }
}
