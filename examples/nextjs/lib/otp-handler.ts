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
  readBody: () => Promise<unknown>;
}

interface OtpResponse {
  status: number;
  body: OtpAnswer | { error: string };
  /** The new value of the session cookie. */
  cookie?: string;
}

const MAX_BODY_BYTES = 1_000;

/** Next reads a body of any length in a route handler, so a long or unknown length is rejected here. */
const isTooLarge = (headers: Headers): boolean =>
  headers.has('transfer-encoding') ||
  !(Number(headers.get('content-length') ?? NaN) <= MAX_BODY_BYTES);

/** Handles `POST /api/otp/{action}`, for both routers. Reads no body of a request that it rejects. */
export async function handleOtpRequest({
  action,
  headers,
  cookie,
  readBody,
}: OtpRequest): Promise<OtpResponse> {
  if (!isSameOrigin(headers)) return { status: 403, body: { error: 'Another site sent this.' } };
  if (!isOtpAction(action)) return { status: 404, body: { error: 'There is no such action.' } };
  if (isTooLarge(headers)) return { status: 413, body: { error: 'The body is too large.' } };
  const input = ((await readBody()) ?? {}) as OtpInput;
  const session = await openSession(cookie);
  const answer = await runOtpAction(session, action, input, headers);
  return { status: 200, body: answer, cookie: await sealSession(session) };
}

/** Handles `GET /api/otp`: the state of this browser's session. */
export const readOtpState = async (cookie: string | undefined): Promise<OtpAnswer> => ({
  state: describeSession(await openSession(cookie)),
});
