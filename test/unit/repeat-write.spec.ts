import { errors } from '../../src/common/domain-error.js';
import { repeatWrite, type FailureClassifier } from '../../src/storage/engines/repeat-write.js';

describe('Repeating a write', () => {
  const engine: FailureClassifier = { failureOf: () => 'unavailable', repeatForMs: 20 };
  const unavailable = errors.storageUnavailable({ message: 'The database failed.' });

  // Fails with isTaskCancelledError of cockatiel 3.2.1, which recognises no error of a timeout.
  it('ends with the first error when the time is over', async () => {
    const work = (isRepeated: boolean) =>
      isRepeated ? new Promise<never>(() => undefined) : Promise.reject(unavailable);

    await expect(repeatWrite(work, engine, ['unavailable'])).rejects.toBe(unavailable);
  });
});
