import type { Fetch } from '../../../client/src/http.js';

interface SentRequest {
  readonly method: string | undefined;
  readonly url: string;
  readonly headers: Headers;
  readonly body: unknown;
}

/** One response, one failure, or no answer until the request is aborted. */
export type Step = Response | Error | 'no answer';

export interface ScriptedFetch {
  readonly fetch: Fetch;
  readonly requests: SentRequest[];
}

/** Creates a `fetch` that follows these steps, one for each request; it repeats the last one. */
export function scriptFetch(...steps: readonly Step[]): ScriptedFetch {
  const requests: SentRequest[] = [];
  return {
    requests,
    fetch: async (url, { method, headers, body, signal }) => {
      requests.push({
        method,
        url,
        headers: new Headers(headers),
        body: typeof body === 'string' ? JSON.parse(body) : body,
      });
      const step = steps[Math.min(requests.length, steps.length) - 1];
      if (step instanceof Response) return step.clone();
      if (step instanceof Error) throw step;
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          reject(new DOMException('This operation was aborted', 'AbortError'));
        });
      });
    },
  };
}

export const ok = (body: object): Response => Response.json(body);

export const problem = (
  status: number,
  code: string,
  { headers = {}, ...members }: { headers?: Record<string, string>; errors?: object[] } = {},
): Response =>
  new Response(
    JSON.stringify({
      status,
      code,
      detail: 'What to do.',
      requestId: 'the-request-id',
      ...members,
    }),
    { status, headers: { 'content-type': 'application/problem+json', ...headers } },
  );

/** An error page of a proxy, which is no problem document. */
export const proxyError = (status: number, headers: Record<string, string> = {}): Response =>
  new Response('<h1>Bad gateway</h1>', {
    status,
    headers: { 'content-type': 'text/html', ...headers },
  });
