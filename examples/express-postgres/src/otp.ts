import { createOtpClient, isOtpError, type SendResult } from 'otp-service-client';

const { OTP_URL = 'http://127.0.0.1:3000', OTP_API_KEY } = process.env;
export const otp = createOtpClient({ url: OTP_URL, apiKey: OTP_API_KEY });

/** What a code is for. `register-` is followed by the user's id. Such a code resets no password. */
export type Purpose = `register-${string}` | 'reset-password';

export const sendCode = (
  reference: Purpose,
  phoneNumber: string,
  endUserIp: string | undefined,
): Promise<SendResult> => otp.send({ phoneNumber, reference, endUserIp });

/** Whether the number's newest code is right. Also false if no code was sent to the number. */
export async function checkCodeOfNumber(
  reference: Purpose,
  phoneNumber: string,
  otpCode: string,
): Promise<boolean> {
  try {
    return (await otp.verify({ phoneNumber, otpCode, reference })).verified;
  } catch (error) {
    if (isOtpError(error, 'verification_not_found')) return false;
    throw error;
  }
}
