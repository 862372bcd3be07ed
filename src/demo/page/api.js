/** Delays before the attempts of a request, in milliseconds. */
const RETRY_DELAYS_MS = [0, 400, 1200];
const TIMEOUT_MS = 10_000;

/** The API returned a problem document (RFC 9457). */
export class Problem extends Error {
  constructor({ code, detail, errors }, retryAfter) {
    super(detail);
    this.code = code;
    this.errors = errors ?? [];
    /** Seconds to wait before a retry; 0 if the API gives none. */
    this.retryAfter = Number(retryAfter ?? 0);
  }
}

/** No response arrived, so it is unknown whether the request was executed. */
export class NoResponse extends Error {}

/** The last request without a response. A repeated request keeps its key, so it runs only once. */
let pending = { request: '', key: '' };

/**
 * Posts to the API. Retries a failed connection with the same Idempotency-Key: no message is sent
 * twice, and if the response to a verify was lost, the retry gets it.
 * @returns the response body, and `serverTimeMs`, because the browser's clock may be wrong
 * @throws {Problem | NoResponse}
 */
export async function post(path, body) {
  const request = path + JSON.stringify(body);
  if (pending.request !== request) pending = { request, key: crypto.randomUUID() };
  for (const delay of RETRY_DELAYS_MS) {
    await new Promise((resolve) => setTimeout(resolve, delay));
    const received = await fetchJson(path, body, pending.key).catch(() => undefined);
    if (!received || received.json.code === 'request_in_progress') continue;

    const { response, json } = received;
    pending = { request: '', key: '' };
    if (!response.ok) throw new Problem(json, response.headers.get('retry-after'));
    return { ...json, serverTimeMs: Date.parse(response.headers.get('date')) };
  }
  throw new NoResponse();
}

async function fetchJson(path, body, key) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return { response, json: await response.json() };
}
