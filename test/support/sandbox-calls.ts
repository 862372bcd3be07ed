/** A message, as `GET /sandbox/messages` of a sandbox returns it. */
export interface ReceivedMessage {
  readonly to: string;
  readonly from: string;
  readonly channel: string;
  readonly text: string;
  readonly pin: string;
  readonly pinId: string;
  readonly provider: string;
  readonly sentAt: string;
  /** Only if Infobip tracks its delivery. */
  readonly messageId?: string;
}

/**
 * Calls a control route of the sandbox at a URL.
 * @returns the parsed body; `undefined` for a 204
 */
export async function callSandbox(
  url: string,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<unknown> {
  const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`${url}/sandbox/${path}`, { method, ...(body && json) });
  if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
  return response.status === 204 ? undefined : response.json();
}

/** The messages to a recipient, newest first; by default those to every recipient. */
export const listMessages = (url: string, to = ''): Promise<ReceivedMessage[]> =>
  callSandbox(url, 'GET', `messages?to=${encodeURIComponent(to)}`) as never;

/** The codes that a phone received, newest first. */
export const readCodes = async (url: string, phoneNumber: string): Promise<string[]> =>
  (await listMessages(url, phoneNumber)).map(({ pin }) => pin);
