import { Router, type Request } from 'express';
import {
  describeSession,
  newOtpSession,
  requestCode,
  resendCode,
  verifyCode,
  type OtpSession,
} from './otp-flow.js';
import type { OtpAnswer } from './otp-state.js';

declare module 'express-session' {
  interface SessionData {
    otp: OtpSession;
  }
}

const findSession = ({ session }: Request): OtpSession => (session.otp ??= newOtpSession());

/** The typed text without spaces, separators and invisible characters, which the service ignores too. */
const readText = (value: unknown): string =>
  typeof value === 'string' ? value.slice(0, 64).replace(/[\s().\p{Pd}\p{Cf}]/gu, '') : '';

/** Answers 200 also if a code is wrong or a limit is reached: the page shows the `problem`. */
export const otpRoutes = Router()
  .get('/', (request, response) => {
    response.json({ state: describeSession(findSession(request)) } satisfies OtpAnswer);
  })
  .post('/request', async (request, response) => {
    const phoneNumber = readText(request.body?.phoneNumber);
    response.json(await requestCode(findSession(request), phoneNumber, request.ip));
  })
  .post('/resend', async (request, response) => {
    response.json(await resendCode(findSession(request), request.ip));
  })
  .post('/verify', async (request, response) => {
    const otp = findSession(request);
    const answer = await verifyCode(otp, readText(request.body?.code));
    if (answer.state.step === 'verified') await renewSession(request, otp);
    response.json(answer);
  })
  .post('/restart', (request, response) => {
    request.session.otp = newOtpSession();
    response.json({ state: { step: 'number' } } satisfies OtpAnswer);
  });

/** Changes the session id: an id that an attacker planted in the browser is then worthless. */
async function renewSession(request: Request, otp: OtpSession): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    request.session.regenerate((error) => (error ? reject(error) : resolve()));
  });
  request.session.otp = otp;
}
