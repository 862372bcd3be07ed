import { json } from 'node:stream/consumers';
import type { NextApiRequest, NextApiResponse } from 'next';
import { handleOtpRequest } from '../../../../lib/otp-handler';
import { cookieOptions, SESSION_COOKIE } from '../../../../lib/session';

/** The body is read only after the origin and the length are checked. */
export const config = { api: { bodyParser: false } };

/** The same as `app/api/otp/[action]/route.ts`, for an application with the Pages Router. */
export default async function handler(request: NextApiRequest, response: NextApiResponse) {
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST').status(405).end();
    return;
  }
  const headers = new Headers(request.headers as Record<string, string>);
  const { status, body, cookie } = await handleOtpRequest({
    action: request.query['action'],
    headers,
    cookie: request.cookies[SESSION_COOKIE],
    readBody: () => json(request).catch(() => undefined),
  });
  if (cookie !== undefined) {
    const { maxAge, secure } = cookieOptions(headers);
    const attributes = `Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
    response.setHeader('set-cookie', `${SESSION_COOKIE}=${cookie}; ${attributes}`);
  }
  response.setHeader('cache-control', 'no-store').status(status).json(body);
}
