import { storeAnswer } from './key-steps.js';
import type { ModelState } from './model-state.js';
import {
  done,
  failureAnswer,
  getNextCall,
  type Progress,
  type StepContext,
  type StepResult,
} from './model-step.js';
import { MISSING_CALL, NOT_CALLED, toEarlierCheckResult } from './provider-results.js';
import { closedAnswer, forgetFailure } from './verify-steps.js';

/** Asks the provider whether a code was right, because the answer to its check was lost. */
export function askForResult(
  context: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  const { issuer } = progress;
  const call = getNextCall(context, progress);
  const mayCircuitBeOpen = issuer === undefined || context.mayCircuitBeOpen(issuer, 'status');
  const called =
    call?.operation === 'status' ? { ...progress, calls: progress.calls + 1 } : progress;
  const { phoneNumber = '', createdAt = 0 } = progress.targetCopy ?? {};
  const result =
    call?.operation === 'status'
      ? toEarlierCheckResult(call, { phoneNumber, createdAt })
      : mayCircuitBeOpen
        ? NOT_CALLED
        : MISSING_CALL;
  if (result === MISSING_CALL) return done(state, progress, failureAnswer(MISSING_CALL));
  if (result === 'verified') return { state, progress: { ...called, phase: 'found' } };
  switch (progress.askReason) {
    case 'before check':
      return { state, progress: { ...called, phase: 'call' } };
    case 'check failed':
      return { state, progress: { ...called, phase: 'keep attempt' } };
    case 'exhausted':
      return { state, progress: { ...called, phase: 'finish' } };
    default: {
      const { pending = failureAnswer(MISSING_CALL) } = progress;
      return done(state, called, result === 'not_known' ? pending : failureAnswer(result));
    }
  }
}

/**
 * Completes a check after the provider reported that a code was right. The request gets
 * `verified: true` only if its own check is the only one without a result. Otherwise a pending
 * verification becomes `unclaimed`, until a request with the right code claims it.
 */
export function completeEarlierCheck(
  { record }: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  const { target, askReason, lostRequest } = progress;
  const now = record.calls.at(-1)?.endedAt ?? record.startedAt;
  const verification = state.getVerification(target);
  if (!verification || now >= verification.expiresAt) return answerAlreadyVerified(state, progress);
  const { id, client, phoneNumber, status, unresolved } = verification;
  const isOwnCodeRight =
    (askReason === 'check failed' || lostRequest !== undefined) && unresolved === 1;
  const isClaimed = isOwnCodeRight && (status === 'pending' || status === 'unclaimed');
  let result = state;
  if (status === 'pending') {
    if (isClaimed) result = forgetFailure(result, record, progress);
    result = result
      .changeNumber(client, phoneNumber, { verifiedAt: now })
      .changeVerification(id, { status: 'unclaimed', verifiedAt: now });
  }
  if (!isClaimed) return answerAlreadyVerified(result, progress);
  result = result.changeVerification(id, { status: 'verified', verifiedAt: now, unresolved: 0 });
  const body = { verified: true };
  return done(storeAnswer(result, record, body), progress, { status: 200, replayed: false, body });
}

/**
 * Ends a request without `verified: true`: another request's code may be the right one, or the
 * verification has ended.
 */
function answerAlreadyVerified(state: ModelState, progress: Progress): StepResult {
  const answer = closedAnswer('already_verified');
  switch (progress.askReason) {
    case 'check failed':
      return { state, progress: { ...progress, phase: 'keep attempt' } };
    case 'rejected':
      return done(state, progress, answer);
    default:
      return { state, progress: { ...progress, phase: 'release attempt', pending: answer } };
  }
}
