import { ANSWERED, type RequestFate } from './history.js';

export const PIN_ID = 'q8Jt1Xn0S2uYp4rVb6wLzA';
const MAX_ATTEMPTS = 5;

interface ModelResponse {
  readonly status: number;
  readonly body: object;
}

/** What the service remembers of an idempotency key. */
type KeyState =
  | { readonly kind: 'stored'; readonly response: ModelResponse }
  | { readonly kind: 'ambiguous' }
  /** The request still runs when the next one arrives. Then it has ended, with the state `next`. */
  | { readonly kind: 'running'; readonly next: KeyState | undefined }
  /** The provider verified the code, but its answer was lost. Only this request gets the result. */
  | { readonly kind: 'unclaimed' };

/**
 * The service as docs/api.md and docs/failure-behaviour.md describe it, with one verification and a fate
 * for each request. It has no cooldown, which would hide a second message.
 */
export class ServiceModel {
  messages = 0;
  /** How many answers of the provider, after it sent or checked, did not reach the service. */
  lostAnswers = 0;
  /** The statuses that the client received; 0 for a broken connection. */
  readonly statuses: number[] = [];
  private isVerified = false;
  private attempts = 0;
  private readonly keys = new Map<string, KeyState & { readonly request: string }>();
  private readonly fates: RequestFate[];

  constructor(
    fates: readonly RequestFate[],
    private readonly rightCode: string,
  ) {
    this.fates = [...fates];
  }

  /** Replaces the client's `fetch`. */
  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const fate = this.fates.shift() ?? ANSWERED;
    if (this.isDelivered(fate)) {
      const response = this.handle(new URL(url).pathname, init, fate);
      if (fate.kind === 'no_answer') return neverAnswer(init.signal ?? undefined);
      if (isAnswered(fate)) return this.answer(response);
    }
    if (fate.kind === 'proxy_error') {
      this.statuses.push(fate.status);
      return new Response('<h1>Bad gateway</h1>', { status: fate.status });
    }
    this.statuses.push(0);
    throw new TypeError('fetch failed');
  };

  private answer({ status, body }: ModelResponse): Response {
    this.statuses.push(status);
    const type = status === 200 ? 'application/json' : 'application/problem+json';
    const hasRetryAfter =
      status === 503 || (body as { code?: string }).code === 'request_in_progress';
    return new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': type, ...(hasRetryAfter && { 'retry-after': '1' }) },
    });
  }

  private isDelivered(fate: RequestFate): boolean {
    return 'delivered' in fate ? fate.delivered : true;
  }

  private handle(path: string, init: RequestInit, fate: RequestFate): ModelResponse {
    if (fate.kind === 'unavailable') return problem(503, 'storage_unavailable');
    const key = new Headers(init.headers).get('idempotency-key');
    const body = typeof init.body === 'string' ? init.body : '{}';
    const request = `${path} ${body}`;
    const keyState = key === null ? undefined : this.keys.get(key);
    if (keyState && keyState.request !== request) return problem(422, 'idempotency_key_reused');
    if (keyState?.kind === 'running') {
      this.remember(key, request, keyState.next);
      return problem(409, 'request_in_progress');
    }
    if (keyState?.kind === 'stored') return keyState.response;
    if (keyState?.kind === 'ambiguous') return problem(504, 'provider_timeout');

    const { otpCode } = JSON.parse(body) as { otpCode?: string };
    const { response, state } =
      path === '/otp/verify'
        ? this.verify(fate, otpCode === this.rightCode, keyState?.kind === 'unclaimed')
        : this.send(fate);
    const isRunning = fate.kind === 'reset_while_running';
    this.remember(key, request, isRunning ? { kind: 'running', next: state } : state);
    return response;
  }

  private remember(key: string | null, request: string, state: KeyState | undefined): void {
    if (key === null) return;
    if (state) this.keys.set(key, { ...state, request });
    else this.keys.delete(key);
  }

  /** A send or a resend. */
  private send(fate: RequestFate): { response: ModelResponse; state?: KeyState } {
    if (fate.kind === 'provider_refuses') return { response: problem(502, 'provider_error') };
    this.messages += 1;
    if (fate.kind === 'provider_answer_lost') {
      this.lostAnswers += 1;
      return { response: lostAnswer(fate.status), state: { kind: 'ambiguous' } };
    }
    return stored({ pinId: PIN_ID });
  }

  private verify(
    fate: RequestFate,
    isRight: boolean,
    canClaim: boolean,
  ): { response: ModelResponse; state?: KeyState } {
    if (canClaim) return stored({ verified: true });
    if (this.isVerified) {
      return { response: { status: 200, body: { verified: false, reason: 'already_verified' } } };
    }
    if (fate.kind === 'provider_refuses') return { response: problem(502, 'provider_error') };
    this.attempts += 1;
    this.isVerified = isRight;
    if (fate.kind === 'provider_answer_lost') {
      this.lostAnswers += 1;
      const response = lostAnswer(fate.status);
      return isRight ? { response, state: { kind: 'unclaimed' } } : { response };
    }
    if (isRight) return stored({ verified: true });
    const attemptsRemaining = MAX_ATTEMPTS - this.attempts;
    return stored({ verified: false, reason: 'wrong_code', attemptsRemaining });
  }
}

/** Whether the service's answer reaches the client. */
const isAnswered = ({ kind }: RequestFate): boolean =>
  !['reset', 'proxy_error', 'reset_while_running'].includes(kind);

const stored = (body: object): { response: ModelResponse; state: KeyState } => {
  const response = { status: 200, body };
  return { response, state: { kind: 'stored', response } };
};

const lostAnswer = (status: 502 | 504): ModelResponse =>
  problem(status, status === 502 ? 'provider_error' : 'provider_timeout');

const problem = (status: number, code: string): ModelResponse => ({
  status,
  body: { status, code, detail: 'What to do.', requestId: 'a-request-id' },
});

const neverAnswer = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => {
      reject(new DOMException('This operation was aborted', 'AbortError'));
    });
  });
