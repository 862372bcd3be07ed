import { rateLimit } from 'express-rate-limit';
import { z } from 'zod';

/**
 * Only the E.164 form, without spaces or hyphens. The service ignores these, but here each spelling is
 * another user. In some countries a phone has two numbers of this form: see README.md.
 */
const phoneNumber = z.string().regex(/^\+[1-9]\d{6,14}$/, 'Begin with + and the country code.');
const password = z.string().min(12, 'Use at least 12 characters.').max(128);
// The OTP service checks the code; here only its length is limited.
const code = z.string().min(1).max(40);

export const Credentials = z.strictObject({ phoneNumber, password });
export const Login = z.strictObject({ phoneNumber, password: z.string().max(128) });
export const Code = z.strictObject({ code });
export const PhoneNumber = z.strictObject({ phoneNumber });
export const PasswordReset = z.strictObject({ phoneNumber, code, password });

const { REQUESTS_PER_HOUR = '60' } = process.env;

/** Limits the requests of each IP address. The OTP service limits each number and each client. */
export const limitRequests = rateLimit({
  windowMs: 60 * 60_000,
  limit: Number(REQUESTS_PER_HOUR),
  standardHeaders: 'draft-8',
  legacyHeaders: false,
  message: { error: 'too_many_requests', message: 'Please wait an hour, then try again.' },
});
