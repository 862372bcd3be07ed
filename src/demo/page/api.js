/*
 * Calls of the page's own back end, under /demo. The browser never calls the API, and knows neither an
 * API key nor a pinId.
 */

/** Delays before the attempts of a request, in milliseconds. */
const RETRY_DELAYS_MS = [0, 400, 1200];
const TIMEOUT_MS = 10_000;

/** The back end returned a problem document (RFC 9457). */
export class Problem extends Error {
  constructor({ code }, retryAfter) {
    super(code);
    this.code = code;
    /** Seconds to wait before a retry; 0 if the back end gives none. */
    this.retryAfter = Number(retryAfter ?? 0);
  }
}

/** No response arrived, so it is unknown whether the request was executed. */
export class NoResponse extends Error {}

/** The last request whose result is unknown. A repeated request keeps its key, so it runs only once. */
let pending = { request: '', key: '' };

/**
 * Posts to the back end. Retries a failed connection with the same Idempotency-Key: no message is sent
 * twice, and if the response to a verify was lost, the retry gets it.
 * @throws {Problem | NoResponse}
 */
export async function post(path, body) {
  const request = path + JSON.stringify(body);
  if (pending.request !== request) pending = { request, key: createKey() };
  const { key } = pending;
  return call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  });
}

/** Browsers have `crypto.randomUUID` only with https or on this machine. */
const createKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4))).join('-');

/** @throws {Problem | NoResponse} */
export const get = (path) => call(path, {});

async function call(path, options) {
  for (const delay of RETRY_DELAYS_MS) {
    await new Promise((resolve) => setTimeout(resolve, delay));
    const received = await fetchJson(path, options).catch(() => undefined);
    if (!received || received.json.code === 'request_in_progress') continue;

    const { response, json } = received;
    // After a 5xx it is unknown whether a code was right: the same verify again finds out.
    const isUnknown = path === '/demo/verify' && response.status >= 500;
    if (options.method && !isUnknown) pending = { request: '', key: '' };
    if (!response.ok) throw new Problem(json, response.headers.get('retry-after'));
    return json;
  }
  throw new NoResponse();
}

async function fetchJson(path, options) {
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { response, json: await response.json() };
}
