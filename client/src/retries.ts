import { OtpConnectionError, OtpError, OtpTimeoutError, type ErrorCode } from './errors.js';

const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 4_000;
/** The provider may have checked the code, so each repeat may use another attempt: fewer and slower ones. */
const CHECKED_CODES: ReadonlySet<ErrorCode> = new Set(['provider_error', 'provider_timeout']);
const MAX_CHECK_REPEATS = 3;
const FIRST_CHECK_WAIT_MS = 1_000;
/** A timer longer than this would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Temporary failures. After each, the service accepts the same request with the same idempotency key. */
const RETRYABLE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'request_timeout',
  'request_in_progress',
  'provider_error',
  'provider_timeout',
  'provider_unavailable',
  'overloaded',
  'storage_unavailable',
]);
/** Temporary failures of a proxy before the service. */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 502, 503, 504]);

/** How retries of one call differ from those of other calls. */
export interface RetryRules {
  /** One of `RETRYABLE_CODES` that this call does not retry. */
  readonly finalCode?: ErrorCode;
  /** Whether the request has a code checked. */
  readonly checksCode?: boolean;
}

interface RetryOptions extends RetryRules {
  /** The longest time for all tries together, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Repeats a request until it succeeds, fails with an error that is not retried, or the timeout is reached.
 * @throws the reason of `signal` if it is aborted; `OtpTimeoutError` if the timeout ends a try; the error of
 * the last try if no further try can start before the timeout.
 */
export async function withRetries<Result>(
  request: (signal: AbortSignal) => Promise<Result>,
  { timeoutMs, signal, finalCode, checksCode = false }: RetryOptions,
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
    for (let tries = 0, checks = 0; ; tries += 1) {
      try {
        return await request(controller.signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (controller.signal.aborted) throw new OtpTimeoutError(timeoutMs, { cause });
        const isCheck = checksCode && error instanceof OtpError && CHECKED_CODES.has(error.code);
        if (isCheck) checks += 1;
        const waitMs = isCheck
          ? getWaitMs(error, FIRST_CHECK_WAIT_MS, checks - 1)
          : getWaitMs(error, FIRST_WAIT_MS, tries);
        const leftMs = timeoutMs - (performance.now() - startedAt);
        if (!isRetryable(error, finalCode) || waitMs >= leftMs) throw error;
        if (isCheck && checks > MAX_CHECK_REPEATS) throw error;
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

function isRetryable(error: unknown, finalCode: ErrorCode | undefined): boolean {
  if (error instanceof OtpError) return RETRYABLE_CODES.has(error.code) && error.code !== finalCode;
  if (!(error instanceof OtpConnectionError)) return false;
  return error.status === undefined || RETRYABLE_STATUSES.has(error.status);
}

/** Exponential backoff with jitter, but never before the time in `Retry-After`. */
function getWaitMs(error: unknown, firstMs: number, tries: number): number {
  const clientError =
    error instanceof OtpError || error instanceof OtpConnectionError ? error : undefined;
  const halfWaitMs = Math.min(firstMs * 2 ** tries, MAX_WAIT_MS) / 2;
  return (
    Math.max((clientError?.retryAfterSeconds ?? 0) * 1_000, halfWaitMs) + Math.random() * halfWaitMs
  );
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
