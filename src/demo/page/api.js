/** Waits before each try, in milliseconds. */
const PAUSES_MS = [0, 400, 1200];
const PATIENCE_MS = 10_000;

/** The API said no, in a problem document (RFC 9457): `code` says which no. */
export class Problem extends Error {
  constructor({ code, detail, errors }, retryAfter) {
    super(detail);
    this.code = code;
    this.errors = errors ?? [];
    /** Seconds to wait, where waiting helps. */
    this.retryAfter = Number(retryAfter ?? 0);
  }
}

/** Nothing was heard, so nobody knows whether the request was acted on. */
export class NoAnswer extends Error {}

/** The request that had no answer yet. Asked once more, it keeps its key and is acted on once. */
let unanswered = { request: '', key: '' };

/**
 * Posts to the API. What breaks on the way is tried again under the same Idempotency-Key, so that
 * nobody is texted twice and no `verified: true` is missed.
 * @returns the answer, and the time of the server: the browser's clock may be wrong.
 * @throws {Problem | NoAnswer}
 */
export async function post(path, body) {
  const request = path + JSON.stringify(body);
  if (unanswered.request !== request) unanswered = { request, key: crypto.randomUUID() };
  for (const pause of PAUSES_MS) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    const heard = await ask(path, body, unanswered.key).catch(() => undefined);
    if (!heard || heard.answer.code === 'request_in_progress') continue;

    const { response, answer } = heard;
    unanswered = { request: '', key: '' };
    if (!response.ok) throw new Problem(answer, response.headers.get('retry-after'));
    return { ...answer, now: Date.parse(response.headers.get('date')) };
  }
  throw new NoAnswer();
}

async function ask(path, body, key) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  return { response, answer: await response.json() };
}
