import type { SeededRandom } from '../seeded-random.js';

export type ClientOperation = 'send' | 'resend' | 'verify_right_code' | 'verify_wrong_code';

/** What happens to one HTTP request of the client. `delivered` says whether the service handles it. */
export type RequestFate =
  | { readonly kind: 'answered' }
  /** The connection breaks. */
  | { readonly kind: 'reset'; readonly delivered: boolean }
  /** A proxy answers in place of the service. */
  | { readonly kind: 'proxy_error'; readonly status: 502 | 503 | 504; readonly delivered: boolean }
  /** The connection breaks, and the service still works on the request when the next one arrives. */
  | { readonly kind: 'reset_while_running' }
  /** The service answers 503: it did nothing. */
  | { readonly kind: 'unavailable' }
  /** The provider refuses: certainly nothing was sent or checked, and the service answers 502. */
  | { readonly kind: 'provider_refuses' }
  /** The provider did it, but the service does not find that out, and answers 502 or 504. */
  | { readonly kind: 'provider_answer_lost'; readonly status: 502 | 504 }
  /** The service handles the request, but the answer never comes. */
  | { readonly kind: 'no_answer' };

export interface ClientHistory {
  readonly operation: ClientOperation;
  /** One for each request; all further ones are answered. */
  readonly fates: readonly RequestFate[];
}

export const ANSWERED: RequestFate = { kind: 'answered' };

/** Fates that a test can also cause at the real service. */
const REAL_FATES: readonly RequestFate[] = [
  ANSWERED,
  { kind: 'reset', delivered: false },
  { kind: 'reset', delivered: true },
  { kind: 'proxy_error', status: 502, delivered: false },
  { kind: 'proxy_error', status: 503, delivered: false },
  { kind: 'proxy_error', status: 504, delivered: true },
  { kind: 'proxy_error', status: 502, delivered: true },
  { kind: 'reset_while_running' },
  { kind: 'provider_refuses' },
  { kind: 'provider_answer_lost', status: 502 },
];
const ALL_FATES: readonly RequestFate[] = [
  ...REAL_FATES,
  { kind: 'unavailable' },
  { kind: 'provider_answer_lost', status: 504 },
];
/** Without resend, which the cooldown of the real service delays. */
const REAL_OPERATIONS: readonly ClientOperation[] = [
  'send',
  'verify_right_code',
  'verify_wrong_code',
];
const ALL_OPERATIONS: readonly ClientOperation[] = [...REAL_OPERATIONS, 'resend'];

/** A few failures: one call of the client outlives them. */
export const createHistory = (random: SeededRandom): ClientHistory =>
  createHistoryOf(ALL_OPERATIONS, ALL_FATES, random, 4);

export const createRealHistory = (random: SeededRandom): ClientHistory =>
  createHistoryOf(REAL_OPERATIONS, REAL_FATES, random, 3);

/** So many failures that a call may fail: then it is repeated with the same idempotency key. */
export const createLongHistory = (random: SeededRandom): ClientHistory =>
  createHistoryOf(ALL_OPERATIONS, [...ALL_FATES, { kind: 'no_answer' }], random, 20);

function createHistoryOf(
  operations: readonly ClientOperation[],
  possible: readonly RequestFate[],
  random: SeededRandom,
  maxFates: number,
): ClientHistory {
  const fates: RequestFate[] = [];
  for (let left = random.between(0, maxFates); left > 0; left -= 1) {
    const fate = random.oneOf(possible);
    // The service gives `verified: true` only where the result of exactly one check was lost.
    const isSecondLoss = fates.some(({ kind }) => kind === 'provider_answer_lost');
    fates.push(fate.kind === 'provider_answer_lost' && isSecondLoss ? ANSWERED : fate);
  }
  return { operation: random.oneOf(operations), fates };
}
