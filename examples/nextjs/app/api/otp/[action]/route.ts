import { cookies } from 'next/headers';
import { handleOtpRequest } from '../../../../lib/otp-handler';
import { cookieOptions, SESSION_COOKIE } from '../../../../lib/session';

/** `POST /api/otp/request`, `/verify`, `/resend` and `/restart`, for clients other than this app's pages. */
export async function POST(
  request: Request,
  { params }: { params: Promise<{ action: string }> },
): Promise<Response> {
  const store = await cookies();
  const { headers } = request;
  const { status, body, cookie } = await handleOtpRequest({
    action: (await params).action,
    headers,
    cookie: store.get(SESSION_COOKIE)?.value,
    readBody: () => request.json().catch(() => undefined),
  });
  if (cookie !== undefined) store.set(SESSION_COOKIE, cookie, cookieOptions(headers));
  return Response.json(body, { status, headers: { 'cache-control': 'no-store' } });
}
