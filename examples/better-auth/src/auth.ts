import { randomBytes } from 'node:crypto';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { phoneNumber } from 'better-auth/plugins';
import { checkCode, sendCode } from './otp.js';

const { PORT = '3001', BETTER_AUTH_URL, BETTER_AUTH_SECRET } = process.env;

export const auth = betterAuth({
  baseURL: BETTER_AUTH_URL ?? `http://127.0.0.1:${PORT}`,
  secret: BETTER_AUTH_SECRET ?? randomBytes(32).toString('base64'),
  // Use a database instead: this one is empty after a restart.
  database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
  // These would check a code of better-auth, which is never sent.
  disabledPaths: ['/phone-number/request-password-reset', '/phone-number/reset-password'],
  telemetry: { enabled: false },
  plugins: [
    phoneNumber({
      sendOTP: ({ phoneNumber }, context) =>
        sendCode(phoneNumber, context?.headers?.get('x-forwarded-for') ?? undefined),
      verifyOTP: ({ phoneNumber, code }) => checkCode(phoneNumber, code),
      // The service ignores spaces, but better-auth would take another spelling for another user.
      phoneNumberValidator: (phoneNumber) => /^\+[1-9]\d{6,14}$/.test(phoneNumber),
      signUpOnVerification: {
        getTempEmail: (phoneNumber) => `${phoneNumber.slice(1)}@phone.invalid`,
      },
    }),
  ],
});
