interface PostResponse {
  readonly status: number;
  readonly text: string;
}

/** Default time to wait for the response. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** Posts a report or callback. Does not follow redirects. @returns `undefined` without a response */
export async function postBody(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs = DEFAULT_TIMEOUT_MS,
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
