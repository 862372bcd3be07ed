import { isIP } from 'node:net';
import { newOtpSession, requestCode, resendCode, verifyCode, type OtpSession } from './otp-flow';
import type { OtpAction, OtpAnswer } from './otp-state';

/** What the user typed. */
export interface OtpInput {
  phoneNumber?: unknown;
  code?: unknown;
}

export const isOtpAction = (name: unknown): name is OtpAction =>
  ['request', 'resend', 'verify', 'restart'].includes(String(name));

/** Runs an action, and writes its result into the session. */
export async function runOtpAction(
  session: OtpSession,
  action: OtpAction,
  { phoneNumber, code }: OtpInput,
  headers: Headers,
): Promise<OtpAnswer> {
  switch (action) {
    case 'request':
      return requestCode(session, readText(phoneNumber), findEndUserIp(headers));
    case 'resend':
      return resendCode(session, findEndUserIp(headers));
    case 'verify':
      return verifyCode(session, readText(code));
    case 'restart':
      delete session.sent;
      delete session.over;
      delete session.verifiedNumber;
      Object.assign(session, newOtpSession());
      return { state: { step: 'number' } };
  }
}

/** The typed text without spaces, separators and invisible characters, which the service ignores too. */
const readText = (value: unknown): string =>
  typeof value === 'string' ? value.slice(0, 64).replace(/[\s().\p{Pd}\p{Cf}]/gu, '') : '';

/**
 * The visitor's IP address: the last entry of `X-Forwarded-For`, which the nearest proxy added. Without a
 * proxy, visitors could choose it, because Next sets this header only if the request has none.
 */
function findEndUserIp(headers: Headers): string | undefined {
  const address = headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() ?? '';
  return isIP(address) ? address : undefined;
}
