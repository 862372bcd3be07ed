import type { Problem } from './api-types.js';
import { OtpConnectionError, OtpError } from './errors.js';

/** The part of the global `fetch` that the client uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  readonly idempotencyKey?: string;
}

/**
 * The formats of the values that the error's message contains. A problem document of another server may
 * contain anything.
 */
const ERROR_CODE = /^[a-z_]{1,64}$/;
const REQUEST_ID = /^[\w.-]{1,128}$/;

/** Sends requests to the service at one URL, with one API key. */
export class HttpClient {
  private readonly baseUrl: string;
  private readonly headers: Readonly<Record<string, string>>;

  /** @throws TypeError if the URL or the API key is invalid; the message contains neither. */
  constructor(
    url: string,
    apiKey: string | undefined,
    private readonly fetch: Fetch | undefined,
  ) {
    this.baseUrl = parseBaseUrl(url);
    if (apiKey !== undefined) assertHeaderValue('apiKey', apiKey);
    this.headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  }

  /**
   * Sends a request once.
   * @returns the parsed JSON body of the response; `undefined` for a 204
   * @throws OtpError, or OtpConnectionError if the service did not respond
   */
  async request(request: HttpRequest, signal: AbortSignal): Promise<object | undefined> {
    const { method, path, body, idempotencyKey } = request;
    const init: RequestInit = {
      method,
      headers: {
        ...this.headers,
        ...(body && { 'content-type': 'application/json' }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      ...(body && { body: JSON.stringify(body) }),
      // The target of a redirect must get neither the API key nor a phone number.
      redirect: 'manual',
      signal,
    };
    const { response, text } = await this.exchange(this.baseUrl + path, init);
    return readResponse(response, text);
  }

  private async exchange(
    url: string,
    init: RequestInit,
  ): Promise<{ response: Response; text: string }> {
    try {
      const response = await (this.fetch ?? globalThis.fetch)(url, init);
      return { response, text: await response.text() };
    } catch (cause) {
      throw new OtpConnectionError(undefined, undefined, { cause });
    }
  }
}

/** @throws TypeError whose message does not contain the value */
export function assertHeaderValue(name: string, value: string): void {
  if (/^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(value)) return;
  throw new TypeError(`${name} must be 1 to 255 printable ASCII characters.`);
}

function parseBaseUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const { protocol, username, password, search, hash } = parsed ?? {};
  if (
    !parsed ||
    !/^https?:$/.test(protocol ?? '') ||
    [username, password, search, hash].some(Boolean)
  ) {
    throw new TypeError('url must be the address of the service, as in https://otp.example.com.');
  }
  return parsed.href.replace(/\/+$/, '');
}

function readResponse({ ok, status, headers }: Response, text: string): object | undefined {
  if (status === 204) return undefined;
  const isJson = /^application\/(problem\+)?json\b/i.test(headers.get('content-type') ?? '');
  const parsed = isJson ? parseJson(text) : undefined;
  const body = isObject(parsed) ? parsed : undefined;
  if (ok && body) return body;
  const retryAfterSeconds = parseRetryAfter(headers.get('retry-after'));
  if (isProblem(body)) throw new OtpError(body, retryAfterSeconds);
  // Incomplete JSON of a successful response means that the connection broke, so no status is reported.
  const isCutShort = ok && isJson && parsed === undefined;
  throw new OtpConnectionError(isCutShort ? undefined : status, retryAfterSeconds);
}

/** The value of a JSON text; `undefined` for any other text. A parse error would quote the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isProblem(body: object | undefined): body is Problem {
  const { code, status, detail, requestId }: Partial<Record<keyof Problem, unknown>> = body ?? {};
  return (
    typeof code === 'string' &&
    ERROR_CODE.test(code) &&
    typeof status === 'number' &&
    typeof detail === 'string' &&
    typeof requestId === 'string' &&
    REQUEST_ID.test(requestId)
  );
}

/** The seconds of `Retry-After`, a number or a date (RFC 9110 §10.2.3); `undefined` for anything else. */
function parseRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const seconds = /^\d+$/.test(value)
    ? Number(value)
    : Math.ceil((Date.parse(value) - Date.now()) / 1_000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}
