interface PostResponse {
  readonly status: number;
  readonly text: string;
}

/** How long the sandbox waits for the response to a report. */
const TIMEOUT_MS = 10_000;

/** @returns `undefined` without a response. Redirects are not followed. */
export async function postBody(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs = TIMEOUT_MS,
): Promise<PostResponse | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
  }
}
