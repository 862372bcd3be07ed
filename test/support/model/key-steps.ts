import { isKeyValid } from './model-rules.js';
import type { ModelState } from './model-state.js';
import { problem, type ExpectedAnswer } from './model-step.js';
import { toHttpRequest, type OperationRecord } from './operation.js';

/** Claims the key of a request, or answers it from the earlier request with this key. */
export function claimKey(
  state: ModelState,
  record: OperationRecord,
  verification: string | undefined,
  now: number,
): { state: ModelState } | { answer: ExpectedAnswer } {
  const { client, key, id } = record;
  if (key === undefined) return { state };
  const earlier = state.getKey(client, key);
  const request = describeRequest(record);
  if (earlier && isKeyValid(earlier.createdAt, now)) {
    if (earlier.request !== request) return { answer: problem(422, 'idempotency_key_reused') };
    return { answer: repeatAnswer(earlier) };
  }
  const claim = { request, state: 'running', answer: undefined, createdAt: now, run: id } as const;
  return { state: state.setKey(client, key, { ...claim, verification }) };
}

function repeatAnswer({
  state,
  answer = {},
}: {
  state: string;
  answer: object | undefined;
}): ExpectedAnswer {
  switch (state) {
    case 'answered':
      return { status: 200, repeated: answer, replayed: true };
    case 'ambiguous':
      return { ...problem(504, 'provider_timeout'), replayed: true };
    default:
      return problem(409, 'request_in_progress');
  }
}

/** The run of the request stores its answer, if it still owns the key. */
export const storeAnswer = (
  state: ModelState,
  record: OperationRecord,
  answer: object,
): ModelState => changeKey(state, record, { state: 'answered', answer });

export const markAmbiguous = (state: ModelState, record: OperationRecord): ModelState =>
  changeKey(state, record, { state: 'ambiguous', answer: undefined });

/** The request had no effect: its key may be used again. */
export function releaseKey(state: ModelState, { client, key, id }: OperationRecord): ModelState {
  if (key === undefined || state.getKey(client, key)?.run !== id) return state;
  return state.setKey(client, key, undefined);
}

/** Removes the keys of a client's erased verifications. */
export function eraseKeys(
  state: ModelState,
  client: string,
  erased: readonly string[],
): ModelState {
  let result = state;
  for (const key of state.listKeys(client)) {
    const verification = state.getKey(client, key)?.verification;
    if (verification !== undefined && erased.includes(verification)) {
      result = result.setKey(client, key, undefined);
    }
  }
  return result;
}

function changeKey(
  state: ModelState,
  { client, key, id }: OperationRecord,
  change: { state: 'answered' | 'ambiguous'; answer: object | undefined },
): ModelState {
  const owned = key === undefined ? undefined : state.getKey(client, key);
  if (key === undefined || owned?.run !== id) return state;
  return state.setKey(client, key, { ...owned, ...change });
}

function describeRequest(record: OperationRecord): string {
  const { path, body = {} } = toHttpRequest(record);
  return `${path} ${JSON.stringify(Object.entries(body).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}
