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
  /** The provider rejects the request: it sent and checked nothing, and the service answers 502. */
  | { readonly kind: 'provider_refuses' }
  /** The provider sent or checked, but its answer is lost, and the service answers 502 or 504. */
  | { readonly kind: 'provider_answer_lost'; readonly status: 502 | 504 }
  /** The service handles the request, but the answer never comes. */
  | { readonly kind: 'no_answer' };

export interface ClientHistory {
  readonly operation: ClientOperation;
  /** The fate of each request in order; all further requests are answered. */
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
/** Not resend: the real service would make each test wait for the cooldown. */
const REAL_OPERATIONS: readonly ClientOperation[] = [
  'send',
  'verify_right_code',
  'verify_wrong_code',
];
const ALL_OPERATIONS: readonly ClientOperation[] = [...REAL_OPERATIONS, 'resend'];

/** Creates a history whose few failures the client's own retries get over. */
export const createHistory = (random: SeededRandom): ClientHistory =>
  createHistoryOf(ALL_OPERATIONS, ALL_FATES, random, 4);

/** Creates a history that a test can also cause at the real service. */
export const createRealHistory = (random: SeededRandom): ClientHistory =>
  createHistoryOf(REAL_OPERATIONS, REAL_FATES, random, 3);

/**
 * Creates a history with so many failures that a call may fail in spite of its retries. Tests then
 * repeat the call with the same idempotency key.
 */
export const createLongHistory = (random: SeededRandom): ClientHistory =>
  createHistoryOf(ALL_OPERATIONS, [...ALL_FATES, { kind: 'no_answer' }], random, 20, Infinity);

/** After more failures of the provider, the client does not repeat a verify. */
const MAX_CHECK_REPEATS = 3;

const isOfProvider = ({ kind }: RequestFate): boolean => kind.startsWith('provider_');

function createHistoryOf(
  operations: readonly ClientOperation[],
  possibleFates: readonly RequestFate[],
  random: SeededRandom,
  maxFates: number,
  maxChecks = MAX_CHECK_REPEATS,
): ClientHistory {
  const operation = random.oneOf(operations);
  const maxFailures = operation.startsWith('verify') ? maxChecks : Infinity;
  const fates: RequestFate[] = [];
  for (let count = random.between(0, maxFates); count > 0; count -= 1) {
    const fate = random.oneOf(possibleFates);
    // At most one lost answer: the service returns `verified: true` only if exactly one was lost.
    const isSecondLoss = fates.some(({ kind }) => kind === 'provider_answer_lost');
    const isTooMany =
      (fate.kind === 'provider_answer_lost' && isSecondLoss) ||
      (isOfProvider(fate) && fates.filter(isOfProvider).length >= maxFailures);
    fates.push(isTooMany ? ANSWERED : fate);
  }
  return { operation, fates };
}
