import { claimKey, releaseKey, storeAnswer } from './key-steps.js';
import {
  findCodeLimit,
  getAttemptsRemaining,
  getClosedReason,
  getVisibleStatus,
  isOpen,
  staysSpent,
} from './model-rules.js';
import { addEvent, removeEvent, type ModelState, type VerificationRecord } from './model-state.js';
import {
  done,
  failureAnswer,
  getNextCall,
  limitAnswer,
  NOT_FOUND,
  type ExpectedAnswer,
  type Progress,
  type StepContext,
  type StepResult,
} from './model-step.js';
import { NOT_CALLED, toCallResult, type CallFailure } from './provider-results.js';

/** Verifies a code: find the verification, reserve an attempt, call its provider, complete. */
export function stepVerify(
  context: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  switch (progress.phase) {
    case 'start':
      return findTarget(context, state, progress);
    case 'reserve':
      return reserveAttempt(context, state, progress);
    case 'explain':
      return explainRejection(context, state, progress);
    case 'explain limit':
      return explainLimit(context, state, progress);
    case 'call':
      return checkCode(context, state, progress);
    case 'reject':
      return rejectCode(context, state, progress);
    default:
      return completeAttempt(context, state, progress);
  }
}

/** By number: the newest one of the client that a provider accepted. */
function findTarget({ record }: StepContext, state: ModelState, progress: Progress): StepResult {
  const { client, phoneNumber, pinId = '' } = record;
  if (phoneNumber === undefined && pinId.includes('!')) return done(state, progress, NOT_FOUND);
  const newest = state
    .listVerifications(client, phoneNumber ?? '')
    .filter(({ provider }) => provider !== undefined)
    .reduce<VerificationRecord | undefined>(
      (found, next) => (found && found.createdAt > next.createdAt ? found : next),
      undefined,
    );
  const target = phoneNumber === undefined ? record.target : newest?.id;
  return { state, progress: { ...progress, phase: 'reserve', target } };
}

/** A foreign verification is like none. */
const findOwn = (state: ModelState, client: string, id: string | undefined) => {
  const verification = state.getVerification(id);
  return verification?.client === client && verification.provider !== undefined
    ? verification
    : undefined;
};

function reserveAttempt(
  { record, settings }: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  const { id, client, reference, startedAt: now } = record;
  const { target } = progress;
  const claimed = claimKey(state, record, target, now);
  if ('answer' in claimed) return done(state, progress, claimed.answer);
  const verification = findOwn(state, client, target);
  const isChecked =
    verification &&
    verification.reference === reference &&
    isOpen(verification, now) &&
    getAttemptsRemaining(verification, settings) > 0 &&
    !findCodeLimit(state, verification, settings, now);
  if (!isChecked) return { state, progress: { ...progress, phase: 'explain' } };
  const { phoneNumber, attempts } = verification;
  const { failures } = state.getNumber(client, phoneNumber);
  const counted = claimed.state
    .changeNumber(client, phoneNumber, { failures: addEvent(failures, now, id) })
    .changeVerification(verification.id, { attempts: attempts + 1 });
  return { state: counted, progress: { ...progress, phase: 'call', counted: { phoneNumber } } };
}

/** The reason is read after the rejection: by then the verification may be another. */
function explainRejection(
  { record, settings }: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  const { client, reference, startedAt: now } = record;
  const verification = findOwn(state, client, progress.target);
  if (!verification) return done(state, progress, NOT_FOUND);
  if (verification.reference !== reference) {
    return done(state, progress, closed('reference_mismatch'));
  }
  if (getVisibleStatus(verification, settings, now) !== 'pending') {
    return done(state, progress, closed(getClosedReason(verification, settings, now)));
  }
  const { phoneNumber } = verification;
  return { state, progress: { ...progress, counted: { phoneNumber }, phase: 'explain limit' } };
}

/** Another read: by then the limit may be gone. */
function explainLimit(context: StepContext, state: ModelState, progress: Progress): StepResult {
  const { record, settings } = context;
  const { client, startedAt: now } = record;
  const { phoneNumber = '' } = progress.counted ?? {};
  // As if it had attempts: it may have had some when it was rejected.
  const limit = findCodeLimit(state, { client, phoneNumber, attempts: 1 }, settings, now);
  return done(state, progress, limitAnswer(limit ?? { code: 'quota_exceeded', until: now }, now));
}

const closed = (reason: string): ExpectedAnswer => ({
  status: 200,
  replayed: false,
  body: { verified: false, reason },
});

function checkCode(context: StepContext, state: ModelState, progress: Progress): StepResult {
  const provider = state.getVerification(progress.target)?.provider;
  const call = getNextCall(context, progress);
  if (!call) {
    const mayBeOpen = provider === undefined || context.mayBeOpen(provider, 'verify');
    const failure = mayBeOpen ? NOT_CALLED : MISSING_CALL;
    return { state, progress: { ...progress, phase: 'finish', failures: [failure] } };
  }
  const called = { ...progress, calls: progress.calls + 1, phase: 'finish' } as const;
  const result = toCallResult(call);
  if (result.kind === 'failed')
    return { state, progress: { ...called, failures: [result.failure] } };
  return { state, progress: { ...called, checked: result.kind } };
}

const MISSING_CALL: CallFailure = {
  status: 0,
  code: 'the provider was not called',
  ambiguous: false,
  wasCalled: true,
};

/** The race gate: only an open verification becomes verified. */
function completeAttempt(
  { record }: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  const [failure] = progress.failures;
  if (failure) return releaseAttempt(record, failure, state, progress);
  const now = record.calls.at(-1)?.endedAt ?? record.startedAt;
  const verification = state.getVerification(progress.target);
  if (progress.checked !== 'verified' || !verification || !isOpen(verification, now)) {
    return { state, progress: { ...progress, phase: 'reject' } };
  }
  const { id, client, phoneNumber } = verification;
  const verified = forgetFailure(state, record, progress)
    .changeVerification(id, { status: 'verified', verifiedAt: now })
    .changeNumber(client, phoneNumber, { verifiedAt: now });
  const body = { verified: true };
  return done(storeAnswer(verified, record, body), progress, {
    status: 200,
    replayed: false,
    body,
  });
}

/** No result: the attempt counts if the code may have been checked. */
function releaseAttempt(
  record: StepContext['record'],
  failure: CallFailure,
  state: ModelState,
  progress: Progress,
): StepResult {
  const { target = '' } = progress;
  if (staysSpent(failure)) return done(releaseKey(state, record), progress, failureAnswer(failure));
  const attempts = state.getVerification(target)?.attempts ?? 0;
  const released = forgetFailure(state, record, progress).changeVerification(target, {
    attempts: Math.max(0, attempts - 1),
  });
  return done(releaseKey(released, record), progress, failureAnswer(failure));
}

function rejectCode(
  { record, settings }: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  const { target = '', checked } = progress;
  const now = record.calls.at(-1)?.endedAt ?? record.startedAt;
  const before = state.getVerification(target);
  let result = state;
  if (before && checked === 'expired' && isOpen(before, now)) {
    result = result.changeVerification(target, { expiresAt: now });
  }
  const isFinal = checked === 'wrong_code_final' || checked === 'attempts_exhausted';
  if (before && isFinal && before.status === 'pending') {
    const attempts = before.attempts + settings.maxAttempts;
    result = result.changeVerification(target, { attempts });
  }
  const isWrong = checked === 'wrong_code' || checked === 'wrong_code_final';
  if (!isWrong) result = forgetFailure(result, record, progress);
  const after = result.getVerification(target);
  const answer = describeRejection(after, checked, settings, now);
  return done(storeAnswer(result, record, answer.body ?? {}), progress, answer);
}

function describeRejection(
  verification: VerificationRecord | undefined,
  checked: string | undefined,
  settings: StepContext['settings'],
  now: number,
): ExpectedAnswer {
  // Erased while the provider checked the code.
  if (!verification) return closed('cancelled');
  if (checked === 'wrong_code' && isOpen(verification, now)) {
    const attemptsRemaining = getAttemptsRemaining(verification, settings);
    const body = { verified: false, reason: 'wrong_code', attemptsRemaining };
    return { status: 200, replayed: false, body };
  }
  return closed(getClosedReason(verification, settings, now));
}

/** Only wrong codes count against a number. */
function forgetFailure(
  state: ModelState,
  { client, id }: StepContext['record'],
  { counted }: Progress,
): ModelState {
  if (!counted) return state;
  const { failures } = state.getNumber(client, counted.phoneNumber);
  return state.changeNumber(client, counted.phoneNumber, { failures: removeEvent(failures, id) });
}
