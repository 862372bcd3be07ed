import { DomainError } from '../../src/common/domain-error.js';
import { minutes } from '../../src/common/durations.js';
import {
  repeatWrite,
  type FailureClassifier,
  type TransactionFailure,
} from '../../src/storage/engines/repeat-write.js';

describe('Repeating a write', () => {
  const engine: FailureClassifier = { failureOf: () => 'unavailable', repeatForMs: 20 };
  const unavailable = new DomainError('storage_unavailable', { message: 'The database failed.' });

  // Fails with isTaskCancelledError of cockatiel 3.2.1, which recognises no error of a timeout.
  it('ends with the first error when the time is over', async () => {
    let runs = 0;
    const work = () => {
      runs += 1;
      return runs > 1 ? new Promise<never>(() => undefined) : Promise.reject(unavailable);
    };

    await expect(repeatWrite(work, engine, ['unavailable'])).rejects.toBe(unavailable);
  });

  it('knows that a run may have been committed only if its failure does not rule it out', async () => {
    const failures: TransactionFailure[] = ['unavailable', 'unknown', 'unavailable'];
    const failing = { ...engine, failureOf: () => failures[runs.length - 1] ?? 'permanent' };
    const runs: boolean[] = [];
    const work = async (mayBeCommitted: boolean) => {
      runs.push(mayBeCommitted);
      if (runs.length <= failures.length) throw unavailable;
    };

    await repeatWrite(work, { ...failing, repeatForMs: minutes(1) }, failures);

    expect(runs).toEqual([false, false, true, true]);
  });
});
