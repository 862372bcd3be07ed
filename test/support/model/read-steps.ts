import { eraseKeys } from './key-steps.js';
import { getCodeLength, getVisibleAttempts, getVisibleStatus, isOpen } from './model-rules.js';
import type { ModelState } from './model-state.js';
import {
  done,
  NOT_FOUND,
  type ExpectedAnswer,
  type Progress,
  type StepContext,
  type StepResult,
} from './model-step.js';
import { stepResend, stepSend, toIsoTime } from './send-steps.js';
import { stepVerify } from './verify-steps.js';

/** The next atomic step of an operation. */
export function stepOperation(
  context: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  switch (context.record.kind) {
    case 'send':
      return stepSend(context, state, progress);
    case 'resend':
      return stepResend(context, state, progress);
    case 'verify':
      return stepVerify(context, state, progress);
    case 'get':
      return done(state, progress, describeVerification(context, state));
    case 'cancel':
      return cancel(context, state, progress);
    case 'erase':
      return erase(context, state, progress);
    case 'lookup':
      return done(state, progress, lookUp(context, state));
    case 'cleanup':
      return done(state, progress, { status: 200 });
  }
}

function describeVerification(
  { record, settings }: StepContext,
  state: ModelState,
): ExpectedAnswer {
  const { client, target, startedAt: now } = record;
  const verification = state.getVerification(target);
  const status = verification && getVisibleStatus(verification, settings, now);
  if (verification?.client !== client || status === undefined) return NOT_FOUND;
  const { channel, createdAt, expiresAt, verifiedAt, provider } = verification;
  return {
    status: 200,
    body: {
      status,
      channel,
      createdAt: toIsoTime(createdAt),
      expiresAt: toIsoTime(expiresAt),
      verifiedAt: verifiedAt === undefined ? undefined : toIsoTime(verifiedAt),
      codeLength: getCodeLength(provider),
      attemptsRemaining: getVisibleAttempts(verification, settings),
    },
  };
}

function cancel({ record }: StepContext, state: ModelState, progress: Progress): StepResult {
  const { client, target = '', startedAt: now } = record;
  const verification = state.getVerification(target);
  if (verification?.client !== client || verification.provider === undefined) {
    return done(state, progress, NOT_FOUND);
  }
  const cancelled = isOpen(verification, now)
    ? state.changeVerification(target, { status: 'cancelled' })
    : state;
  return done(cancelled, progress, { status: 204 });
}

function erase({ record }: StepContext, state: ModelState, progress: Progress): StepResult {
  const { client, phoneNumber = '' } = record;
  const ids = state.listVerifications(client, phoneNumber).map(({ id }) => id);
  const erased = ids.reduce((result, id) => result.deleteVerification(id), state);
  const cleared = erased.changeNumber(client, phoneNumber, { verifiedAt: 0 });
  return done(eraseKeys(cleared, client, ids), progress, { status: 204 });
}

const VERIFIED = ['verified', 'unclaimed'];

function lookUp({ record }: StepContext, state: ModelState): ExpectedAnswer {
  const { client, phoneNumber = '' } = record;
  const times = state
    .listVerifications(client, phoneNumber)
    .flatMap(({ status, verifiedAt }) => (VERIFIED.includes(status) ? (verifiedAt ?? []) : []));
  if (times.length === 0) return { status: 200, body: { verified: false } };
  return { status: 200, body: { verified: true, verifiedAt: toIsoTime(Math.max(...times)) } };
}
