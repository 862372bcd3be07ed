import type { Attempt } from '../../src/storage/attempt.types.js';
import type { IdempotentRequest } from '../../src/storage/idempotency.types.js';
import type { VerificationStore } from '../../src/storage/verification-store.js';

interface AttemptOptions {
  /** In milliseconds since the epoch. */
  readonly now: number;
  readonly client?: string;
  readonly idempotency?: IdempotentRequest | undefined;
}

/** Reserves an attempt with a code of six digits, which must be granted. */
export async function grantAttempt(
  store: VerificationStore,
  pinId: string,
  { now, client = 'shop', idempotency }: AttemptOptions,
): Promise<Attempt> {
  const request = { selector: { pinId }, client, reference: undefined, codeLength: 6, now };
  const result = await store.reserveAttempt(request, idempotency);
  if (result.outcome !== 'granted') throw new Error(`not granted: ${result.outcome}`);
  return result.attempt;
}
