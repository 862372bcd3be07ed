import { NextResponse, type NextRequest } from 'next/server';
import { newOtpSession } from './lib/otp-flow';
import { cookieOptions, readSession, sealSession, SESSION_COOKIE } from './lib/session';

/** Where a visit begins: other pages redirect to `/` without a session. */
export const config = { matcher: ['/', '/api/otp'] };

/**
 * Gives each new visitor a session before the first action. Pages cannot set cookies. Without one, a double
 * click on the first send would be two requests, each with its own idempotency key.
 */
export async function proxy({ method, headers, cookies }: NextRequest): Promise<NextResponse> {
  const response = NextResponse.next();
  if (method === 'GET' && !(await readSession(cookies.get(SESSION_COOKIE)?.value))) {
    const session = await sealSession(newOtpSession());
    response.cookies.set(SESSION_COOKIE, session, cookieOptions(headers));
  }
  return response;
}
