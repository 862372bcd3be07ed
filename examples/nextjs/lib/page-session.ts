import { cookies } from 'next/headers';
import { describeSession } from './otp-flow';
import type { OtpState } from './otp-state';
import { openSession, SESSION_COOKIE } from './session';

/** The state of this browser's session. Pages get nothing else, because their props reach the browser. */
export async function readState(): Promise<OtpState> {
  const cookie = (await cookies()).get(SESSION_COOKIE)?.value;
  return describeSession(await openSession(cookie));
}
