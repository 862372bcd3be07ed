import type { OtpAction, OtpAnswer } from '../server/otp-state';

/** Reads the state of this browser's session. */
export const fetchState = (): Promise<OtpAnswer> => call('/api/otp');

/** Runs an action on the server, which answers with the state after it. */
export async function runAction(action: OtpAction, body: object = {}): Promise<OtpAnswer> {
  // A browser that loses the answer to its first send needs a session to repeat it.
  if (action === 'request') await post('session', {});
  return post(action, body);
}

const post = (path: OtpAction | 'session', body: object): Promise<OtpAnswer> =>
  call(`/api/otp/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** @throws if there is no connection, or the status is not 2xx */
async function call(path: string, init?: RequestInit): Promise<OtpAnswer> {
  const response = await fetch(path, init);
  if (!response.ok) throw new Error(`Status ${response.status}`);
  return (await response.json()) as OtpAnswer;
}
