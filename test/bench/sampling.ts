import { setTimeout as delay } from 'node:timers/promises';

/** Takes a sample at the start and every `intervalMs` until the work is done. */
export async function sampleDuring<S, T>(
  work: Promise<T>,
  intervalMs: number,
  sample: () => Promise<S>,
): Promise<{ samples: readonly S[]; result: T }> {
  const samples = [await sample()];
  const ended = work.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([ended, delay(intervalMs, false)]))) samples.push(await sample());
  return { samples, result: await work };
}
