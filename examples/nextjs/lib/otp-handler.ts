import { describeSession } from './otp-flow';
import { isOtpAction, runOtpAction, type OtpInput } from './otp-actions';
import type { OtpAnswer } from './otp-state';
import { isSameOrigin } from './same-origin';
import { openSession, sealSession } from './session';

interface OtpRequest {
  action: unknown;
  headers: Headers;
  /** The session cookie. */
  cookie: string | undefined;
  body: unknown;
}

interface OtpResponse {
  status: number;
  body: OtpAnswer | { error: string };
  /** The new value of the session cookie. */
  cookie?: string;
}

/** Handles `POST /api/otp/{action}`, for both routers. */
export async function handleOtpRequest({
  action,
  headers,
  cookie,
  body,
}: OtpRequest): Promise<OtpResponse> {
  if (!isSameOrigin(headers)) return { status: 403, body: { error: 'Another site sent this.' } };
  if (!isOtpAction(action)) return { status: 404, body: { error: 'There is no such action.' } };
  const session = await openSession(cookie);
  const answer = await runOtpAction(session, action, (body ?? {}) as OtpInput, headers);
  return { status: 200, body: answer, cookie: await sealSession(session) };
}

/** Handles `GET /api/otp`: the state of this browser's session. */
export const readOtpState = async (cookie: string | undefined): Promise<OtpAnswer> => ({
  state: describeSession(await openSession(cookie)),
});
