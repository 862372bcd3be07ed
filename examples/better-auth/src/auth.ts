import { randomBytes, randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { phoneNumber } from 'better-auth/plugins';
import { checkCode, sendCode } from './otp.js';

const { PORT = '3001', BETTER_AUTH_URL, BETTER_AUTH_SECRET } = process.env;

/**
 * Whether the number is in E.164 form, without spaces or hyphens. The service ignores these, but for
 * better-auth each spelling is another user.
 */
const isPlainNumber = (phoneNumber: string): boolean => /^\+[1-9]\d{6,14}$/.test(phoneNumber);

/**
 * The user's IP address: the last entry of `X-Forwarded-For`, which the nearest proxy added. The service
 * would reject a request with a list of addresses.
 */
function findEndUserIp(forwardedFor: string | null | undefined): string | undefined {
  const address = forwardedFor?.split(',').at(-1)?.trim() ?? '';
  return isIP(address) ? address : undefined;
}

export const auth = betterAuth({
  baseURL: BETTER_AUTH_URL ?? `http://127.0.0.1:${PORT}`,
  secret: BETTER_AUTH_SECRET ?? randomBytes(32).toString('base64'),
  // Use a database instead: this one is empty after a restart.
  database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
  // Users have no passwords here. Without `sendPasswordResetOTP`, no code would be sent for a reset.
  disabledPaths: ['/phone-number/request-password-reset', '/phone-number/reset-password'],
  telemetry: { enabled: false },
  plugins: [
    phoneNumber({
      sendOTP: ({ phoneNumber }, context) =>
        sendCode(phoneNumber, findEndUserIp(context?.headers?.get('x-forwarded-for'))),
      // better-auth validates a number before it sends, but not before it verifies.
      phoneNumberValidator: isPlainNumber,
      verifyOTP: async ({ phoneNumber, code }) =>
        isPlainNumber(phoneNumber) && (await checkCode(phoneNumber, code)),
      signUpOnVerification: {
        // Without the number: users keep their unique e-mail when they change their number. The next
        // user of the old number needs another e-mail.
        getTempEmail: () => `${randomUUID()}@phone.invalid`,
      },
    }),
  ],
});
