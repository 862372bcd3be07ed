import { askForResult, completeEarlierCheck } from './lost-answer-steps.js';
import {
  claimKey,
  IN_PROGRESS,
  markAmbiguous,
  releaseKey,
  repeatAnswer,
  storeAnswer,
  takeOverKey,
} from './key-steps.js';
import {
  acceptsCodes,
  explainCodeLimit,
  findCodeLimit,
  followsLostAnswer,
  getAttemptsRemaining,
  getClosedReason,
  getVisibleAttempts,
  hasRightLength,
  isClaimable,
  isMessageRunning,
  isOpen,
} from './model-rules.js';
import { addEvent, removeEvent, type ModelState, type VerificationRecord } from './model-state.js';
import {
  done,
  failureAnswer,
  getNextCall,
  limitAnswer,
  NOT_FOUND,
  problem,
  type ExpectedAnswer,
  type Progress,
  type StepContext,
  type StepResult,
} from './model-step.js';
import { MISSING_CALL, NOT_CALLED, toCallResult, type CallFailure } from './provider-results.js';

/**
 * Verifies a code: find the verification, reserve an attempt, ask for an earlier result if there may
 * be one, call its provider, complete.
 */
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
    case 'repeat':
      return findRepeated(context, state, progress);
    case 'take over':
      return repeatRequest(context, state, progress);
    case 'explain':
      return explainRejection(context, state, progress);
    case 'explain limit':
      return explainLimit(context, state, progress);
    case 'ask':
      return askForResult(context, state, progress);
    case 'found':
      return completeEarlierCheck(context, state, progress);
    case 'call':
      return checkCode(context, state, progress);
    case 'keep attempt':
      return keepAttempt(context, state, progress);
    case 'release attempt':
      return releaseAttempt(context, state, progress);
    case 'reject':
      return rejectCode(context, state, progress);
    default:
      return completeAttempt(context, state, progress);
  }
}

/** Finds the verification. For a number: the client's newest one that a provider accepted. */
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

/** The verification, if a provider accepted it and it is the client's own. */
const findOwn = (state: ModelState, client: string, id: string | undefined) => {
  const verification = state.getVerification(id);
  return verification?.client === client && verification.provider !== undefined
    ? verification
    : undefined;
};

function reserveAttempt(context: StepContext, state: ModelState, progress: Progress): StepResult {
  const { record } = context;
  const claimed = claimKey(state, record, progress.target, record.startedAt);
  if (!claimed) return { state, progress: { ...progress, phase: 'repeat' } };
  const counted = countAttempt(context, claimed, progress);
  return counted ?? { state, progress: { ...progress, phase: 'explain' } };
}

function findRepeated({ record }: StepContext, state: ModelState, progress: Progress): StepResult {
  const answer = repeatAnswer(state, record);
  if (!('lost' in answer)) return done(state, progress, answer);
  const { owner: lostRequest, verification: target } = answer.lost;
  return { state, progress: { ...progress, phase: 'take over', lostRequest, target } };
}

/** Repeats a request, because the answer to the first one was lost. */
function repeatRequest(context: StepContext, state: ModelState, progress: Progress): StepResult {
  const { record } = context;
  const owned = takeOverKey(state, record, progress.lostRequest, record.startedAt);
  if (!owned) return done(state, progress, IN_PROGRESS);
  const counted = countAttempt(context, owned, progress);
  return counted ?? { state: owned, progress: { ...progress, phase: 'explain' } };
}

function countAttempt(
  { record, settings }: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult | undefined {
  const { id, client, reference, startedAt: now } = record;
  const verification = findOwn(state, client, progress.target);
  const isChecked =
    verification &&
    verification.reference === reference &&
    hasRightLength(verification, record.code) &&
    isOpen(verification, now) &&
    getAttemptsRemaining(verification, settings) > 0 &&
    !findCodeLimit(state, verification, settings, now);
  if (!isChecked) return undefined;
  const { phoneNumber, createdAt, attempts, unresolved, lostAt, provider: issuer } = verification;
  const { confirmedResends } = verification;
  const isRepeat = progress.lostRequest !== undefined;
  const change = {
    attempts: attempts + 1,
    // A repeat carries the code of the lost request, which is unresolved already.
    unresolved: unresolved + (isRepeat ? 0 : 1),
    lostAt: unresolved > 0 ? lostAt : now + settings.maxRequestMs,
  };
  const { failures } = state.getNumber(client, phoneNumber);
  const counted = state
    .changeNumber(client, phoneNumber, { failures: addEvent(failures, now, id) })
    .changeVerification(verification.id, change);
  const own = isRepeat ? 0 : 1;
  const asks = followsLostAnswer({ ...verification, ...change }, now, { own, isRepeat });
  const next = asks
    ? ({ phase: 'ask', askReason: 'before check' } as const)
    : ({ phase: 'call' } as const);
  const targetCopy = { phoneNumber, createdAt, confirmedResends };
  return {
    state: counted,
    progress: { ...progress, issuer, targetCopy, ...next },
  };
}

/** The reason is read after the rejection: by then the verification may have changed. */
function explainRejection(
  { record, settings }: StepContext,
  before: ModelState,
  progress: Progress,
): StepResult {
  const { client, reference, startedAt: now } = record;
  const isRepeat = progress.lostRequest !== undefined;
  const state = isRepeat ? markAmbiguous(before, record) : before;
  const verification = findOwn(state, client, progress.target);
  if (!verification) return done(state, progress, NOT_FOUND);
  if (verification.reference !== reference) {
    return done(state, progress, closedAnswer('reference_mismatch'));
  }
  const isOpenForCodes = acceptsCodes(verification, settings, now);
  if (isOpenForCodes && !hasRightLength(verification, record.code)) {
    return done(state, progress, problem(400, 'validation_failed'));
  }
  // An earlier check whose answer was lost may have been of the right code.
  const mayBeRight = isRepeat ? isClaimable(verification, now) : isOpen(verification, now);
  const asks = mayBeRight && followsLostAnswer(verification, now, { own: 0, isRepeat });
  const { provider: issuer, phoneNumber, createdAt } = verification;
  const targetCopy = { phoneNumber, createdAt };
  const known = { ...progress, targetCopy, issuer };
  const next = asks ? ({ ...known, askReason: 'rejected' } as const) : known;
  return isOpenForCodes
    ? { state, progress: { ...next, phase: 'explain limit' } }
    : reject(state, next, closedAnswer(getClosedReason(verification, settings, now)));
}

/** Reads the limit after the verification: by then the limit may be gone. */
function explainLimit(context: StepContext, state: ModelState, progress: Progress): StepResult {
  const { record, settings } = context;
  const { client, startedAt: now } = record;
  const { phoneNumber = '' } = progress.targetCopy ?? {};
  const limit = explainCodeLimit(state, { client, phoneNumber }, settings, now);
  const answer = limitAnswer(limit ?? { code: 'quota_exceeded', until: now }, now);
  return reject(state, progress, answer);
}

const reject = (state: ModelState, progress: Progress, pending: ExpectedAnswer): StepResult =>
  progress.askReason === 'rejected'
    ? { state, progress: { ...progress, pending, phase: 'ask' } }
    : done(state, progress, pending);

export const closedAnswer = (reason: string): ExpectedAnswer => ({
  status: 200,
  replayed: false,
  body: { verified: false, reason },
});

function checkCode(context: StepContext, state: ModelState, progress: Progress): StepResult {
  const { issuer } = progress;
  const call = getNextCall(context, progress);
  if (call?.operation !== 'verify') {
    const mayCircuitBeOpen = issuer === undefined || context.mayCircuitBeOpen(issuer, 'verify');
    return failCheck(state, progress, mayCircuitBeOpen ? NOT_CALLED : MISSING_CALL);
  }
  const called = { ...progress, calls: progress.calls + 1 };
  const result = toCallResult(call);
  if (result.kind === 'failed') return failCheck(state, called, result.failure);
  const next = { ...called, checkResult: result.kind };
  return result.kind === 'attempts_exhausted'
    ? { state, progress: { ...next, phase: 'ask', askReason: 'exhausted' } }
    : { state, progress: { ...next, phase: 'finish' } };
}

/** Asks the provider for the result if it may have checked the code; else releases the attempt. */
function failCheck(state: ModelState, progress: Progress, failure: CallFailure): StepResult {
  const next = { ...progress, pending: failureAnswer(failure) };
  return failure.ambiguous
    ? { state, progress: { ...next, phase: 'ask', askReason: 'check failed' } }
    : { state, progress: { ...next, phase: 'release attempt' } };
}

/** Decides between concurrent requests: only a claimable verification becomes verified. */
function completeAttempt(
  { record }: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  const now = record.calls.at(-1)?.endedAt ?? record.startedAt;
  const verification = state.getVerification(progress.target);
  if (progress.checkResult !== 'verified' || !verification || !isClaimable(verification, now)) {
    return { state, progress: { ...progress, phase: 'reject' } };
  }
  const { id, client, phoneNumber, unresolved } = verification;
  // The number of an unclaimed verification is verified already.
  const updated = isOpen(verification, now)
    ? forgetFailure(state, record, progress).changeNumber(client, phoneNumber, { verifiedAt: now })
    : state;
  const change = {
    status: 'verified',
    verifiedAt: now,
    unresolved: Math.max(0, unresolved - 1),
  } as const;
  const verified = updated.changeVerification(id, change);
  const body = { verified: true };
  return done(storeAnswer(verified, record, body), progress, {
    status: 200,
    replayed: false,
    body,
  });
}

/** The answer is lost: the attempt stays counted, and the request may be repeated. */
function keepAttempt({ record }: StepContext, state: ModelState, progress: Progress): StepResult {
  const { target = '', pending } = progress;
  const now = record.calls.at(-1)?.endedAt ?? record.startedAt;
  const lostAt = Math.min(state.getVerification(target)?.lostAt ?? now, now);
  const kept = state.changeVerification(target, { lostAt });
  return done(markAmbiguous(kept, record), progress, pending ?? failureAnswer(MISSING_CALL));
}

/** Gives the attempt back, because the code was certainly not checked. */
function releaseAttempt(
  { record }: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  const { target = '', lostRequest, pending } = progress;
  const { attempts = 0, unresolved = 0, status } = state.getVerification(target) ?? {};
  const released = status === 'pending' ? 1 : 0;
  const resolved = lostRequest === undefined ? 1 : 0;
  const change =
    attempts > 0
      ? { attempts: attempts - released, unresolved: Math.max(0, unresolved - resolved) }
      : {};
  const after = forgetFailure(state, record, progress).changeVerification(target, change);
  // A request that is repeated here stays without a result.
  const endRequest = lostRequest === undefined ? releaseKey : markAmbiguous;
  return done(endRequest(after, record), progress, pending ?? failureAnswer(MISSING_CALL));
}

function rejectCode(
  { record, settings }: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  const { target = '', targetCopy, checkResult, lostRequest } = progress;
  const now = record.calls.at(-1)?.endedAt ?? record.startedAt;
  const before = state.getVerification(target);
  // A final result counts only for the newest code, and not while a later message may be sent.
  const isReplaced =
    before?.confirmedResends !== targetCopy?.confirmedResends ||
    (before && isMessageRunning(state, before, settings, now));
  let result = state;
  if (before && !isReplaced && checkResult === 'expired' && isOpen(before, now)) {
    result = result.changeVerification(target, { expiresAt: now });
  }
  const isFinal = checkResult === 'wrong_code_final' || checkResult === 'attempts_exhausted';
  if (before && !isReplaced && isFinal && before.status === 'pending') {
    const attempts = before.attempts + settings.maxAttempts;
    result = result.changeVerification(target, { attempts });
  }
  const isWrong = checkResult === 'wrong_code' || checkResult === 'wrong_code_final';
  if (!isWrong) result = forgetFailure(result, record, progress);
  const resolved = lostRequest !== undefined && !isWrong ? 0 : 1;
  const unresolved = Math.max(0, (before?.unresolved ?? 0) - resolved);
  result = result.changeVerification(target, { unresolved });
  const after = result.getVerification(target);
  const answer = describeRejection(after, checkResult, settings, now);
  return done(storeAnswer(result, record, answer.body ?? {}), progress, answer);
}

function describeRejection(
  verification: VerificationRecord | undefined,
  checkResult: string | undefined,
  settings: StepContext['settings'],
  now: number,
): ExpectedAnswer {
  // The verification was erased while the provider checked the code.
  if (!verification) return closedAnswer('cancelled');
  if (checkResult === 'verified' && verification.status === 'pending') {
    if (now >= verification.expiresAt) return closedAnswer('expired');
  }
  const attemptsRemaining = getVisibleAttempts(verification, settings);
  // After a final result, attempts remain only if another message has replaced the code, or may do so.
  const mayBeRepeated = checkResult === 'wrong_code' || attemptsRemaining > 0;
  if (mayBeRepeated && isOpen(verification, now)) {
    const body = { verified: false, reason: 'wrong_code', attemptsRemaining };
    return { status: 200, replayed: false, body };
  }
  return closedAnswer(getClosedReason(verification, settings, now));
}

/** Removes the attempt from the number's failures, because only wrong codes count there. */
export function forgetFailure(
  state: ModelState,
  { client, id }: StepContext['record'],
  { targetCopy }: Progress,
): ModelState {
  if (!targetCopy) return state;
  const { phoneNumber } = targetCopy;
  const { failures } = state.getNumber(client, phoneNumber);
  return state.changeNumber(client, phoneNumber, { failures: removeEvent(failures, id) });
}
