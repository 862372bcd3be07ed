import { DomainError } from '../common/domain-error.js';
import type { ErrorCode } from '../common/error-catalog.js';
import type { EventBus } from '../common/events.js';
import type { StorageOperation } from '../common/label-values.js';
import type { RequestContext } from '../common/request-context.js';

/** Emits `storage_operation_completed` with the duration of `work` and the code of its error. */
export async function measureOperation<T>(
  events: EventBus,
  operation: StorageOperation,
  context: RequestContext | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  let error: ErrorCode | undefined;
  try {
    return await work();
  } catch (thrown) {
    error = thrown instanceof DomainError ? thrown.code : 'internal_error';
    throw thrown;
  } finally {
    const durationMs = performance.now() - startedAt;
    events.emit({ type: 'storage_operation_completed', context, operation, durationMs, error });
  }
}
