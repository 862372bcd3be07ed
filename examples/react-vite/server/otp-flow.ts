import { createHash, randomUUID } from 'node:crypto';
import { createOtpClient, isOtpError, type SendResult } from 'otp-service-client';
import { describeProblem } from './otp-problem.js';
import type { OtpAction, OtpAnswer, OtpProblem, OtpState, OverReason } from './otp-state.js';

const { OTP_URL = 'http://127.0.0.1:3000', OTP_API_KEY } = process.env;
const otp = createOtpClient({ url: OTP_URL, apiKey: OTP_API_KEY });

/** What the server remembers for one browser. */
export interface OtpSession {
  /** What the code is for: the service accepts it only together with the same reference. */
  reference: string;
  /** Part of each idempotency key. Changes after an answer: until then, a repeat is the same request. */
  requestKey: string;
  /** The verification whose code was sent last. */
  sent?: SendResult & { phoneNumber: string };
  /** Why the code of `sent` can no longer be used; undefined while it can. */
  over?: OverReason;
  verifiedNumber?: string;
}

export const newOtpSession = (): OtpSession => ({
  reference: `verify-number-${randomUUID()}`,
  requestKey: randomUUID(),
});

/**
 * Sends a code. A user who went back may enter the same number during the cooldown: then the code that was
 * just sent stays valid.
 */
export async function requestCode(
  session: OtpSession,
  phoneNumber: string,
  endUserIp?: string,
): Promise<OtpAnswer> {
  if (!isPlainNumber(phoneNumber)) {
    const problem: OtpProblem = { action: 'request', code: 'invalid_number' };
    return { state: describeSession(session), problem };
  }
  return runAction(session, 'request', async () => {
    const isSameNumber = session.sent?.phoneNumber === phoneNumber;
    try {
      await sendNewCode(session, phoneNumber, endUserIp);
    } catch (error) {
      const isPending = describeSession(session).step === 'code';
      if (!(isOtpError(error, 'cooldown_active') && isSameNumber && isPending)) throw error;
    }
    return undefined;
  });
}

/**
 * Whether the number is in E.164 form. The service also reads other digits than 0 to 9, but the session keeps
 * the number as it was typed.
 */
const isPlainNumber = (phoneNumber: string): boolean => /^\+[1-9]\d{6,14}$/.test(phoneNumber);

/** Sends the same code again, or a new one if that code can no longer be used or sent. */
export const resendCode = (session: OtpSession, endUserIp?: string) =>
  runAction(session, 'resend', async () => {
    const { sent } = session;
    if (!sent) return { action: 'resend', code: 'no_session' };
    if (describeSession(session).step === 'code') {
      try {
        const key = createKey(session, 'resend', sent.pinId);
        const resent = await otp.resend({ pinId: sent.pinId }, { idempotencyKey: key });
        session.sent = { ...sent, ...resent };
        return undefined;
      } catch (error) {
        if (!isOtpError(error, 'not_resendable', 'resend_limit_reached', 'verification_not_found'))
          throw error;
      }
    }
    await sendNewCode(session, sent.phoneNumber, endUserIp);
    return undefined;
  });

/** Checks a code. Only here a session becomes verified. */
export const verifyCode = (session: OtpSession, otpCode: string) =>
  runAction(session, 'verify', async () => {
    const { sent, reference } = session;
    if (!sent) return { action: 'verify', code: 'no_session' };
    const idempotencyKey = createKey(session, 'verify', otpCode);
    const result = await otp.verify({ pinId: sent.pinId, otpCode, reference }, { idempotencyKey });
    if (result.verified) {
      session.verifiedNumber = sent.phoneNumber;
    } else if (result.reason !== 'wrong_code') {
      session.over = result.reason === 'reference_mismatch' ? 'cancelled' : result.reason;
    } else if (result.attemptsRemaining === 0) {
      session.over = 'attempts_exhausted';
    } else {
      const { attemptsRemaining } = result;
      return { action: 'verify', code: 'wrong_code', attemptsRemaining };
    }
    return undefined;
  });

/** What the browser may know. Times are relative, because a browser's clock may be wrong. */
export function describeSession({ sent, over, verifiedNumber }: OtpSession): OtpState {
  if (!sent) return { step: 'number' };
  const { to } = sent;
  if (verifiedNumber !== undefined) return { step: 'verified', to };
  const validForSeconds = secondsUntil(sent.expiresAt);
  const resendInSeconds = secondsUntil(sent.resendAvailableAt);
  const reason = over ?? (validForSeconds === 0 ? 'expired' : undefined);
  return reason === undefined
    ? { step: 'code', to, validForSeconds, resendInSeconds }
    : { step: 'over', to, reason, resendInSeconds };
}

async function sendNewCode(
  session: OtpSession,
  phoneNumber: string,
  endUserIp?: string,
): Promise<void> {
  const request = { phoneNumber, reference: session.reference, endUserIp };
  const idempotencyKey = createKey(session, 'send', phoneNumber);
  session.sent = { ...(await otp.send(request, { idempotencyKey })), phoneNumber };
  delete session.over;
  delete session.verifiedNumber;
}

/** Runs an action, and describes the session and the problem afterwards, for the browser. */
async function runAction(
  session: OtpSession,
  action: OtpAction,
  run: () => Promise<OtpProblem | undefined>,
): Promise<OtpAnswer> {
  try {
    const problem = await run();
    session.requestKey = randomUUID();
    return { state: describeSession(session), problem };
  } catch (error) {
    // The next try repeats the same request, unless that request would fail in the same way for ever.
    const isAmbiguousSend = action !== 'verify' && isOtpError(error, 'provider_timeout');
    if (isAmbiguousSend || isOtpError(error, 'stored_data_unreadable', 'idempotency_key_reused'))
      session.requestKey = randomUUID();
    const problem = describeProblem(error, action);
    const { sent } = session;
    if (action === 'resend' && sent && problem.retryAfterSeconds !== undefined) {
      const resendAvailableAt = Date.now() + problem.retryAfterSeconds * 1_000;
      session.sent = { ...sent, resendAvailableAt: new Date(resendAvailableAt).toISOString() };
    }
    return { state: describeSession(session), problem };
  }
}

/**
 * The idempotency key of an action: a double click sends one message and counts one attempt, and after a
 * lost answer the same code can still be verified.
 */
const createKey = ({ requestKey }: OtpSession, action: string, input: string): string =>
  createHash('sha256')
    .update(JSON.stringify([requestKey, action, input]))
    .digest('base64url');

const secondsUntil = (time: string): number =>
  Math.max(0, Math.ceil((Date.parse(time) - Date.now()) / 1_000));
