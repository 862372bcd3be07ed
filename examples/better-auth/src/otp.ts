import { APIError } from 'better-auth/api';
import { createOtpClient, isOtpError, OtpError } from 'otp-service-client';

const { OTP_URL = 'http://127.0.0.1:3000', OTP_API_KEY } = process.env;
const otp = createOtpClient({ url: OTP_URL, apiKey: OTP_API_KEY });

/** What the code is for: a code that was sent for something else is rejected. */
const reference = 'sign-in';

/** Sends a code of the OTP service. The code that better-auth generated is never sent. */
export async function sendCode(phoneNumber: string, endUserIp: string | undefined): Promise<void> {
  await otp.send({ phoneNumber, reference, endUserIp }).catch(rethrow);
}

/** Whether the code is right. Of parallel calls with the right code, exactly one returns true. */
export async function checkCode(phoneNumber: string, otpCode: string): Promise<boolean> {
  try {
    return (await otp.verify({ phoneNumber, otpCode, reference })).verified;
  } catch (error) {
    // Text that is not a code, or a number without a code, is answered like a wrong code.
    if (isOtpError(error, 'validation_failed', 'verification_not_found')) return false;
    return rethrow(error);
  }
}

/** Throws an error of the service as an `APIError` of better-auth, with a message for the user. */
function rethrow(error: unknown): never {
  if (!(error instanceof OtpError)) throw error;
  const { code, retryAfterSeconds = 60 } = error;
  if (isAboutNumber(error)) {
    throw new APIError('UNPROCESSABLE_ENTITY', {
      code: code.toUpperCase(),
      message: 'We cannot send a code to this number. Use another one.',
    });
  }
  switch (code) {
    case 'cooldown_active':
    case 'quota_exceeded':
    case 'too_many_requests':
    case 'destination_suspended':
      throw new APIError(
        'TOO_MANY_REQUESTS',
        { code: code.toUpperCase(), message: `Please wait ${String(retryAfterSeconds)} seconds.` },
        { 'retry-after': String(retryAfterSeconds) },
      );
    default:
      // The message holds the error code and the request id, but nothing personal.
      console.error(error.message);
      throw new APIError('SERVICE_UNAVAILABLE', {
        code: code.toUpperCase(),
        message: 'This does not work at the moment. Try again in a few minutes.',
      });
  }
}

/** Whether another number would help. The other fields of a request come from this server. */
function isAboutNumber({ code, errors }: OtpError): boolean {
  return code === 'validation_failed'
    ? errors.some(({ pointer }) => pointer === '#/phoneNumber')
    : code === 'destination_not_allowed' || code === 'destination_unreachable';
}
