import {
  ConstantBackoff,
  handleWhen,
  retry,
  TaskCancelledError,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import { DomainError } from '../../common/domain-error.js';

/** The pause before each repetition. A failover takes seconds, so the new primary is used soon. */
const DELAY_MS = 50;

/**
 * What is known of a failed transaction.
 * - `repeatable`: it was rolled back, and repeating it at once helps: it conflicted with another
 *   one, or its connection led to a server that is no longer the primary.
 * - `unknown`: it may have been committed, as the answer to its commit was lost.
 * - `unavailable`: it was not committed, and repeating it later may help.
 * - `permanent`: it was not committed, and repeating it does not help.
 */
export type TransactionFailure = 'repeatable' | 'unknown' | 'unavailable' | 'permanent';

/** How an engine classifies its errors, and how long it repeats. */
export interface FailureClassifier {
  failureOf(error: unknown): TransactionFailure;
  /** How long a write may be repeated while its request waits, in milliseconds; 0 for never. */
  readonly repeatForMs: number;
}

/**
 * Runs `work`, and repeats it if the first run ends with one of the `failures`. A repetition that
 * fails is repeated in turn, unless the failure is permanent. When the time is over, the error of
 * the first run is thrown.
 * @param work gets whether an earlier run may have been committed
 */
export async function repeatWrite<T>(
  work: (isRepeated: boolean) => Promise<T>,
  engine: FailureClassifier,
  failures: readonly TransactionFailure[],
): Promise<T> {
  const startedAt = performance.now();
  let mayBeCommitted = false;
  const run = () =>
    work(mayBeCommitted).catch((error: unknown) => {
      mayBeCommitted ||= findFailure(error, engine) === 'unknown';
      throw error;
    });
  try {
    return await run();
  } catch (error) {
    const leftMs = engine.repeatForMs - (performance.now() - startedAt);
    if (leftMs <= 0 || !failures.includes(findFailure(error, engine))) throw error;
    const isTemporary = (failed: unknown) => findFailure(failed, engine) !== 'permanent';
    const policy = wrap(
      timeout(leftMs, TimeoutStrategy.Aggressive),
      retry(handleWhen(isTemporary), { backoff: new ConstantBackoff(DELAY_MS) }),
    );
    return policy.execute(run).catch((failed: unknown) => {
      // Not isTaskCancelledError, which recognises no error of a timeout (cockatiel 3.2.1).
      throw failed instanceof TaskCancelledError ? error : failed;
    });
  }
}

function findFailure(error: unknown, engine: FailureClassifier): TransactionFailure {
  if (!(error instanceof DomainError) || error.code !== 'storage_unavailable') return 'permanent';
  return engine.failureOf(error.cause);
}
