import { isKeyValid } from './model-rules.js';
import type { KeyRecord, ModelState } from './model-state.js';
import { problem, type ExpectedAnswer } from './model-step.js';
import { toHttpRequest, type OperationRecord } from './operation.js';

/** Claims the key of a request. @returns `undefined` if an earlier request has the key */
export function claimKey(
  state: ModelState,
  record: OperationRecord,
  verification: string | undefined,
  now: number,
): ModelState | undefined {
  const { client, key, id } = record;
  if (key === undefined) return state;
  const earlier = state.getKey(client, key);
  if (earlier && isKeyValid(earlier.createdAt, now)) return undefined;
  const request = describeRequest(record);
  const claim = {
    request,
    state: 'running',
    answer: undefined,
    createdAt: now,
    owner: id,
  } as const;
  return state.setKey(client, key, { ...claim, verification });
}

/** Answers a request by the earlier one with its key. By then, that one may have released the key. */
export function repeatAnswer(
  state: ModelState,
  record: OperationRecord,
): ExpectedAnswer | { lost: KeyRecord } {
  const earlier = state.getKey(record.client, record.key ?? '');
  if (!earlier) return IN_PROGRESS;
  if (earlier.state === 'erased' || earlier.request !== describeRequest(record)) {
    return problem(422, 'idempotency_key_reused');
  }
  switch (earlier.state) {
    case 'answered':
      return { status: 200, repeated: earlier.answer ?? {}, replayed: true };
    case 'ambiguous':
      // A code may be checked again, but a message must not be sent again.
      if (record.kind === 'verify') return { lost: earlier };
      return { ...problem(504, 'provider_timeout'), replayed: true };
    default:
      return IN_PROGRESS;
  }
}

/**
 * Makes a request the owner of its key, in place of the request whose answer was lost.
 * @returns `undefined` if another request owns the key by now
 */
export function takeOverKey(
  state: ModelState,
  { client, key, id }: OperationRecord,
  lostRequest: string | undefined,
  now: number,
): ModelState | undefined {
  const owned = key === undefined ? undefined : state.getKey(client, key);
  if (key === undefined || !owned || owned.owner !== lostRequest) return undefined;
  if (owned.state !== 'running' && owned.state !== 'ambiguous') return undefined;
  return state.setKey(client, key, { ...owned, state: 'running', owner: id, createdAt: now });
}

export const IN_PROGRESS = problem(409, 'request_in_progress');

/** Stores the answer of a request with its key, if the request still owns the key. */
export const storeAnswer = (
  state: ModelState,
  record: OperationRecord,
  answer: object,
): ModelState => changeKey(state, record, { state: 'answered', answer });

export const markAmbiguous = (state: ModelState, record: OperationRecord): ModelState =>
  changeKey(state, record, { state: 'ambiguous', answer: undefined });

/** Frees the key of a request that had no effect, for use by another request. */
export function releaseKey(state: ModelState, { client, key, id }: OperationRecord): ModelState {
  if (key === undefined || state.getKey(client, key)?.owner !== id) return state;
  return state.setKey(client, key, undefined);
}

/** Removes the answers of the keys of a client's erased verifications. The keys themselves stay. */
export function eraseKeys(
  state: ModelState,
  client: string,
  erased: readonly string[],
): ModelState {
  let result = state;
  for (const key of state.listKeys(client)) {
    const verification = state.getKey(client, key)?.verification;
    if (verification !== undefined && erased.includes(verification)) {
      result = changeRecord(result, client, key, { state: 'erased', answer: undefined });
    }
  }
  return result;
}

function changeKey(
  state: ModelState,
  { client, key, id }: OperationRecord,
  change: KeyChange,
): ModelState {
  const owned = key === undefined ? undefined : state.getKey(client, key);
  if (key === undefined || owned?.owner !== id || owned.state === 'erased') return state;
  return changeRecord(state, client, key, change);
}

type KeyChange = Pick<KeyRecord, 'state' | 'answer'>;

function changeRecord(
  state: ModelState,
  client: string,
  key: string,
  change: KeyChange,
): ModelState {
  const record = state.getKey(client, key);
  return record ? state.setKey(client, key, { ...record, ...change }) : state;
}

function describeRequest(record: OperationRecord): string {
  const { path, body = {} } = toHttpRequest(record);
  return `${path} ${JSON.stringify(Object.entries(body).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}
