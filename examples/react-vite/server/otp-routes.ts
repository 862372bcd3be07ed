import { Router, type Request } from 'express';
import { rateLimit } from 'express-rate-limit';
import {
  describeSession,
  newOtpSession,
  requestCode,
  resendCode,
  verifyCode,
  type OtpSession,
} from './otp-flow.js';
import type { OtpAction, OtpAnswer } from './otp-state.js';

declare module 'express-session' {
  interface SessionData {
    otp: OtpSession;
  }
}

const { REQUESTS_PER_HOUR = '60' } = process.env;

/** The session of this browser, or a new one, which is then stored. */
const openSession = ({ session }: Request): OtpSession => (session.otp ??= newOtpSession());

/** The typed text without spaces, separators and invisible characters, which the service ignores too. */
const readText = (value: unknown): string =>
  typeof value === 'string' ? value.slice(0, 64).replace(/[\s().\p{Pd}\p{Cf}]/gu, '') : '';

/**
 * Limits the requests of each IP address, and so the sessions that it can have stored. The OTP service limits
 * all visitors together.
 */
const limitRequests = rateLimit({
  windowMs: 60 * 60_000,
  limit: Number(REQUESTS_PER_HOUR),
  standardHeaders: 'draft-8',
  legacyHeaders: false,
  // An open session is opened again before each send.
  skip: ({ path, session }) => path === '/session' && session.otp !== undefined,
  handler: ({ path, session }, response) => {
    const action = path.slice(1) as OtpAction;
    const retryAfterSeconds = Number(response.get('retry-after'));
    response.json({
      state: describeSession(session.otp ?? newOtpSession()),
      problem: { action, code: 'too_soon', retryAfterSeconds },
    } satisfies OtpAnswer);
  },
});

/** Answers 200 also if a code is wrong or a limit is reached: the page shows the `problem`. */
export const otpRoutes = Router()
  // Stores no session: this request has no limit.
  .get('/', ({ session }, response) => {
    response.json({ state: describeSession(session.otp ?? newOtpSession()) } satisfies OtpAnswer);
  })
  // Before the first send: only in a stored session, a repeat of the send is the same request.
  .post('/session', limitRequests, (request, response) => {
    response.json({ state: describeSession(openSession(request)) } satisfies OtpAnswer);
  })
  .post('/request', limitRequests, async (request, response) => {
    const phoneNumber = readText(request.body?.phoneNumber);
    response.json(await requestCode(openSession(request), phoneNumber, request.ip));
  })
  .post('/resend', limitRequests, async (request, response) => {
    response.json(await resendCode(openSession(request), request.ip));
  })
  .post('/verify', limitRequests, async (request, response) => {
    const otp = openSession(request);
    const answer = await verifyCode(otp, readText(request.body?.code));
    if (answer.state.step === 'verified') await renewSession(request, otp);
    response.json(answer);
  })
  .post('/restart', ({ session }, response) => {
    if (session.otp) session.otp = newOtpSession();
    response.json({ state: { step: 'number' } } satisfies OtpAnswer);
  });

/** Changes the session id: an id that an attacker planted in the browser is then worthless. */
async function renewSession(request: Request, otp: OtpSession): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    request.session.regenerate((error) => (error ? reject(error) : resolve()));
  });
  request.session.otp = otp;
}
