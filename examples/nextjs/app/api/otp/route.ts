import { cookies } from 'next/headers';
import { readOtpState } from '../../../lib/otp-handler';
import { SESSION_COOKIE } from '../../../lib/session';

/** `GET /api/otp`: the state of this browser's session. */
export async function GET(): Promise<Response> {
  const cookie = (await cookies()).get(SESSION_COOKIE)?.value;
  return Response.json(await readOtpState(cookie), { headers: { 'cache-control': 'no-store' } });
}
