import { createHash, randomBytes } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import { newOtpSession, type OtpSession } from './otp-flow';

export const SESSION_COOKIE = 'session';
const LIFETIME_SECONDS = 30 * 60;

// Kept in the environment: Next bundles this file more than once, and all copies need the same secret.
if (!process.env['SESSION_SECRET']) {
  console.warn('SESSION_SECRET is not set: all sessions end with this process.');
  process.env['SESSION_SECRET'] = randomBytes(32).toString('base64');
}
const key = createHash('sha256').update(process.env['SESSION_SECRET']).digest();

/**
 * Encrypts a session for the cookie (JWE, A256GCM): the browser keeps the `pinId`, but cannot read it. A
 * copy of a replaced cookie stays valid until it expires, and restores the old session. With a copy from
 * before the verify, the same code gives `verified` again: the idempotency key is the same. To prevent
 * that, keep `requestKey` in a store.
 */
export const sealSession = (otp: OtpSession): Promise<string> =>
  new EncryptJWT({ otp })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .setExpirationTime(`${LIFETIME_SECONDS} s`)
    .encrypt(key);

/** The session in a cookie, or undefined if the cookie is missing, unreadable or expired. */
export async function readSession(cookie: string | undefined): Promise<OtpSession | undefined> {
  try {
    const { payload } = await jwtDecrypt(cookie ?? '', key);
    return payload['otp'] as OtpSession;
  } catch {
    return undefined;
  }
}

/** The session in a cookie, or a new one. */
export const openSession = async (cookie: string | undefined): Promise<OtpSession> =>
  (await readSession(cookie)) ?? newOtpSession();

/**
 * Scripts cannot read the cookie. Other sites cannot make a browser send it with a POST (`SameSite`). It is
 * not `Strict`, because then a page that is opened by a link would not know its session.
 */
export const cookieOptions = (headers: Headers) => ({
  httpOnly: true,
  sameSite: 'lax' as const,
  // Next sets `x-forwarded-proto` itself, unless a reverse proxy did.
  secure: headers.get('x-forwarded-proto') === 'https',
  path: '/',
  maxAge: LIFETIME_SECONDS,
});
