import { Router, type Request, type RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { createOtpClient, isOtpError, type SendResult } from 'otp-service-client';
import { z } from 'zod';
import { describeRejection, INVALID_NUMBER, waitMessage } from './messages.js';

declare module 'express-session' {
  interface SessionData {
    /** The verification that waits for its code. Only the server knows its `pinId`. */
    pending: SendResult & { phoneNumber: string };
    /** The number of the visitor who is signed in. */
    verifiedNumber: string;
  }
}

const { OTP_URL = 'http://127.0.0.1:3000', OTP_API_KEY, REQUESTS_PER_HOUR = '60' } = process.env;
const otp = createOtpClient({ url: OTP_URL, apiKey: OTP_API_KEY });

/** What the code is for: a code that was sent for something else is rejected. */
const reference = 'sign-in';

/** The session keeps the number, so it is stored without separators and invisible characters. */
const phoneNumber = z
  .string()
  .max(40)
  .transform((text) => text.replace(/[\s().\p{Pd}\p{Cf}]/gu, ''))
  .refine((number) => /^\+[1-9]\d{6,14}$/.test(number), INVALID_NUMBER);
const SendBody = z.strictObject({ phoneNumber });
const VerifyBody = z.strictObject({
  phoneNumber: phoneNumber.optional(),
  // The OTP service checks the code; here only its length is limited.
  code: z.string().max(40),
});

/** Limits the requests of each IP address. The OTP service limits each number and each client. */
const limitRequests = rateLimit({
  windowMs: 60 * 60_000,
  limit: Number(REQUESTS_PER_HOUR),
  standardHeaders: 'draft-8',
  legacyHeaders: false,
  handler: (_request, response) => {
    const retryAfterSeconds = Number(response.get('retry-after'));
    const message = waitMessage(retryAfterSeconds);
    response.status(429).json({ error: 'too_many_requests', message, retryAfterSeconds });
  },
});

/**
 * Only a visitor who is signed out gets a code. This request saves its session when it ends, and would
 * restore the sign-in of a session that ended meanwhile.
 */
const sendOtp: RequestHandler = async (request, response) => {
  if (request.session.verifiedNumber !== undefined) {
    response
      .status(409)
      .json({ error: 'signed_in', message: 'You are signed in. Sign out first.' });
    return;
  }
  const { phoneNumber } = SendBody.parse(request.body);
  await sendNewCode(request, phoneNumber);
  response.json(describeSession(request));
};

async function sendNewCode(request: Request, phoneNumber: string): Promise<void> {
  const sent = await otp.send({ phoneNumber, reference, endUserIp: request.ip });
  request.session.pending = { ...sent, phoneNumber };
}

const resendOtp: RequestHandler = async (request, response) => {
  const { pending } = request.session;
  if (!pending) {
    response.status(409).json({ error: 'no_code', message: 'Enter your number first.' });
    return;
  }
  try {
    const sent = await otp.resend({ pinId: pending.pinId });
    request.session.pending = { ...pending, ...sent };
  } catch (error) {
    // The code can no longer be used or sent, so send a new one.
    if (!isOtpError(error, 'not_resendable', 'resend_limit_reached', 'verification_not_found'))
      throw error;
    await sendNewCode(request, pending.phoneNumber);
  }
  response.json(describeSession(request));
};

/** Verifies a code by the number in the body or, as the page does, by the session's `pinId`. */
const verifyOtp: RequestHandler = async (request, response) => {
  const { phoneNumber, code } = VerifyBody.parse(request.body);
  const { pending } = request.session;
  if (phoneNumber === undefined && !pending) {
    response.status(409).json({ error: 'no_code', message: 'Enter your number first.' });
    return;
  }
  const target = phoneNumber === undefined ? { pinId: pending?.pinId ?? '' } : { phoneNumber };
  const result = await otp.verify({ ...target, otpCode: code, reference });
  if (!result.verified) {
    const { reason } = result;
    if (reason === 'reference_mismatch') request.log.warn('a code for something else was tried');
    const attemptsRemaining = reason === 'wrong_code' ? result.attemptsRemaining : 0;
    const message = describeRejection(reason, attemptsRemaining);
    response.status(401).json({ error: reason, message, attemptsRemaining });
    return;
  }
  await signIn(request, phoneNumber ?? pending?.phoneNumber ?? '');
  response.json(describeSession(request));
};

/** Signs in with a new session id: an id that an attacker planted in the browser is then worthless. */
async function signIn(request: Request, verifiedNumber: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    request.session.regenerate((error) => (error ? reject(error) : resolve()));
  });
  request.session.verifiedNumber = verifiedNumber;
}

/** Ends the session, and cancels the code that was sent. */
const startOver: RequestHandler = async (request, response) => {
  const { pending } = request.session;
  await new Promise<void>((resolve, reject) => {
    request.session.destroy((error) => (error ? reject(error) : resolve()));
  });
  if (pending) await otp.cancel(pending.pinId);
  response.json({ step: 'number' });
};

/** What the page may know of the session. */
function describeSession({ session: { pending, verifiedNumber } }: Request) {
  if (verifiedNumber !== undefined) return { step: 'verified', verified: true };
  if (!pending) return { step: 'number' };
  const untilResendMs = Date.parse(pending.resendAvailableAt) - Date.now();
  const resendInSeconds = Math.max(0, Math.ceil(untilResendMs / 1_000));
  return { step: 'code', sentTo: pending.to, expiresAt: pending.expiresAt, resendInSeconds };
}

export const otpRoutes = Router()
  .get('/session', (request, response) => response.json(describeSession(request)))
  .post('/send-otp', limitRequests, sendOtp)
  .post('/resend-otp', limitRequests, resendOtp)
  .post('/verify-otp', limitRequests, verifyOtp)
  .post('/start-over', startOver);
