import { setTimeout as delay } from 'node:timers/promises';
import { DomainError } from '../common/domain-error.js';

/**
 * Waits at most `ms` for `work`, the storage of reports. The work is not aborted after that.
 * @throws DomainError `storage_unavailable` after `ms`, so that the provider repeats its request
 */
export async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  const timer = new AbortController();
  const timeout = delay(ms, undefined, { signal: timer.signal }).then(() => {
    throw new DomainError('storage_unavailable', {
      message: `Reports were not stored within ${String(ms)} ms.`,
    });
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    timer.abort();
    timeout.catch(() => undefined);
  }
}
