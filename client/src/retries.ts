import { OtpConnectionError, OtpError, OtpTimeoutError, type ErrorCode } from './errors.js';

const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 4_000;
/** Longer timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Failures that pass. After each of them the service accepts the same request with the same key. */
const PASSING_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'request_timeout',
  'request_in_progress',
  'provider_error',
  'provider_timeout',
  'provider_unavailable',
  'overloaded',
  'storage_unavailable',
]);
/** The same of a proxy in between. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 502, 503, 504]);

export interface RetryOptions {
  /** The time for all tries together, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** A code that is final for this call though it passes for others. */
  readonly finalCode: ErrorCode | undefined;
}

/**
 * Repeats a request until it succeeds, fails for good, or the time is over.
 * @throws the reason of `signal` if it is aborted; `OtpTimeoutError` if the time ends during a try; the
 * error of the last try if no other one can begin in time.
 */
export async function withRetries<Result>(
  request: (signal: AbortSignal) => Promise<Result>,
  { timeoutMs, signal, finalCode }: RetryOptions,
): Promise<Result> {
  signal?.throwIfAborted();
  const startedAt = performance.now();
  const controller = new AbortController();
  const abort = () => {
    controller.abort();
  };
  const timer = setTimeout(abort, Math.min(timeoutMs, MAX_TIMER_MS));
  signal?.addEventListener('abort', abort);
  let cause: unknown;
  try {
    for (let tries = 0; ; tries += 1) {
      try {
        return await request(controller.signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (controller.signal.aborted) throw new OtpTimeoutError(timeoutMs, { cause });
        const waitMs = getWaitMs(error, tries);
        const leftMs = timeoutMs - (performance.now() - startedAt);
        if (!isPassing(error, finalCode) || waitMs >= leftMs) throw error;
        cause = error;
        await wait(waitMs, controller.signal);
        signal?.throwIfAborted();
      }
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

function isPassing(error: unknown, finalCode: ErrorCode | undefined): boolean {
  if (error instanceof OtpError) return PASSING_CODES.has(error.code) && error.code !== finalCode;
  if (!(error instanceof OtpConnectionError)) return false;
  return error.status === undefined || PASSING_STATUSES.has(error.status);
}

/** Exponential backoff with jitter, but never before the time in `Retry-After`. */
function getWaitMs(error: unknown, tries: number): number {
  const stated =
    error instanceof OtpError || error instanceof OtpConnectionError ? error : undefined;
  const half = Math.min(FIRST_WAIT_MS * 2 ** tries, MAX_WAIT_MS) / 2;
  return Math.max((stated?.retryAfterSeconds ?? 0) * 1_000, half) + Math.random() * half;
}

/** Resolves after this time, or as soon as the signal is aborted. */
const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
