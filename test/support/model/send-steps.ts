import { claimKey, markAmbiguous, releaseKey, repeatAnswer, storeAnswer } from './key-steps.js';
import {
  acceptsCodes,
  canBeEntered,
  endUserOf,
  explainNumberLimit,
  findEndUserLimit,
  findSameCodeLimit,
  findSendLimit,
  getAttemptsRemaining,
  getCodeLength,
  hasChannel,
  isOpen,
  type LimitedSend,
  type ModelSettings,
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

/** Sends a code: reserve, call each provider in turn, then confirm or release. */
export function stepSend(context: StepContext, state: ModelState, progress: Progress): StepResult {
  switch (progress.phase) {
    case 'start':
      return reserveSend(context, state, progress);
    case 'repeat':
      return repeatMessage(context, state, progress);
    case 'explain':
      return explainSendLimit(context, state, progress);
    case 'explain limit':
      return explainEndUserLimit(context, state, progress);
    case 'call':
      return callProvider(context, 'send', state, progress);
    default:
      return progress.acceptedBy === undefined
        ? releaseSend(context, state, progress)
        : confirmSend(context, state, progress);
  }
}

/** Sends a code again. Only a pending verification with attempts left can be resent. */
export function stepResend(
  context: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  switch (progress.phase) {
    case 'start':
      return reserveResend(context, state, progress);
    case 'call':
      return callProvider(context, 'resend', state, progress);
    default:
      return progress.acceptedBy === undefined
        ? releaseSend(context, state, progress)
        : confirmResend(context, state, progress);
  }
}

/** The answer if no provider of the service has the channel. */
const NO_CHANNEL = problem(400, 'validation_failed');

function reserveSend(context: StepContext, state: ModelState, progress: Progress): StepResult {
  const { record, settings } = context;
  const providers = context.providers.filter((name) => hasChannel(name, record.channel));
  if (providers.length === 0) return done(state, progress, NO_CHANNEL);
  const { id, reference } = record;
  const limited = toLimitedSend(record, settings);
  const now = record.startedAt;
  if (record.key === undefined && record.calls.length === 0 && record.response.status === 503) {
    // The service rejects a send at once if every circuit is open.
    const mayAllBeOpen = providers.every((name) => context.mayCircuitBeOpen(name, 'send'));
    if (mayAllBeOpen) return done(state, progress, failureAnswer(NOT_CALLED));
  }
  const claimed = claimKey(state, record, id, now);
  if (!claimed) return { state, progress: { ...progress, phase: 'repeat' } };
  if (findSendLimit(state, limited, settings, now)) {
    return { state, progress: { ...progress, phase: 'explain' } };
  }
  const verification: VerificationRecord = {
    ...limited,
    id,
    status: 'sending',
    reference,
    messages: 1,
    unresolved: 0,
    lostAt: 0,
    createdAt: now,
    verifiedAt: undefined,
    provider: undefined,
    confirmedResends: 0,
    codeRequestedAt: now,
  };
  const counted = countSend(claimed, verification, id, now).setVerification(verification);
  const next = { target: id, providers, targetCopy: limited };
  return { state: counted, progress: { ...progress, phase: 'call', ...next } };
}

function repeatMessage({ record }: StepContext, state: ModelState, progress: Progress): StepResult {
  const answer = repeatAnswer(state, record);
  if ('lost' in answer) throw new Error('a message is never sent again');
  return done(state, progress, answer);
}

function reserveResend(context: StepContext, state: ModelState, progress: Progress): StepResult {
  const { record, settings } = context;
  const providers = context.providers.filter((name) => hasChannel(name, record.channel));
  if (providers.length === 0) return done(state, progress, NO_CHANNEL);
  const { id, client, target, startedAt: now } = record;
  const verification = state.getVerification(target);
  if (target === undefined && record.pinId?.includes('!')) return done(state, progress, NOT_FOUND);
  const claimed = claimKey(state, record, target, now);
  if (!claimed) return repeatMessage(context, state, progress);
  if (verification?.client !== client || verification.provider === undefined) {
    return done(state, progress, NOT_FOUND);
  }
  if (!isOpen(verification, now) || getAttemptsRemaining(verification, settings) === 0) {
    return done(state, progress, problem(409, 'not_resendable'));
  }
  if (!canBeEntered(verification, settings, now)) {
    return done(state, progress, problem(409, 'not_resendable'));
  }
  const { channel = 'sms' } = record;
  const limit =
    findSameCodeLimit(state, verification, channel, settings, now) ??
    findSendLimit(state, { ...verification, channel }, settings, now);
  if (limit) return done(state, progress, limitAnswer(limit, now));
  const issuer = verification.provider;
  const others = providers.filter((name) => name !== issuer);
  const order = hasChannel(issuer, channel) ? [issuer, ...others] : others;
  const messages = verification.messages + 1;
  const counted = countSend(claimed, verification, id, now).changeVerification(verification.id, {
    messages,
  });
  const { phoneNumber, endUser } = verification;
  const next = { target, providers: order, targetCopy: { phoneNumber, endUser } };
  return { state: counted, progress: { ...progress, phase: 'call', ...next } };
}

/** The reason is read after the rejection: by then the limit may be gone. */
function explainSendLimit(context: StepContext, state: ModelState, progress: Progress): StepResult {
  const { record, settings } = context;
  const now = record.startedAt;
  const limit = explainNumberLimit(state, toLimitedSend(record, settings), settings, now);
  if (limit && !limit.isShared) return done(state, progress, limitAnswer(limit, now));
  return { state, progress: { ...progress, sharedLimit: limit, phase: 'explain limit' } };
}

/** Reads the end user's limit after that of the number: by then the limit may be gone. */
function explainEndUserLimit(
  context: StepContext,
  state: ModelState,
  progress: Progress,
): StepResult {
  const { record, settings } = context;
  const now = record.startedAt;
  const { endUser } = toLimitedSend(record, settings);
  const code = endUser === undefined ? 'cooldown_active' : 'quota_exceeded';
  const limit = findEndUserLimit(state, endUser, settings, now) ?? progress.sharedLimit;
  return done(state, progress, limitAnswer(limit ?? { code, until: now }, now));
}

const toLimitedSend = (
  {
    client,
    phoneNumber = '',
    channel = 'sms',
    endUserIp,
    secret,
    startedAt,
  }: StepContext['record'],
  { ttlMs }: ModelSettings,
): LimitedSend => ({
  client,
  phoneNumber,
  channel,
  endUser: endUserIp === undefined ? undefined : endUserOf(client, endUserIp, secret),
  expiresAt: startedAt + ttlMs,
  attempts: 0,
});

function countSend(
  state: ModelState,
  { client, phoneNumber, endUser }: Pick<LimitedSend, 'client' | 'phoneNumber' | 'endUser'>,
  by: string,
  now: number,
): ModelState {
  const { sends } = state.getNumber(client, phoneNumber);
  const counted = state.changeNumber(client, phoneNumber, { sends: addEvent(sends, now, by) });
  if (endUser === undefined) return counted;
  return counted.setEndUser(endUser, addEvent(counted.getEndUser(endUser), now, by));
}

/** Explains one provider's call, or why there was none: its circuit was open. */
function callProvider(
  context: StepContext,
  operation: 'send' | 'resend',
  state: ModelState,
  progress: Progress,
): StepResult {
  const [provider, ...providers] = progress.providers;
  if (provider === undefined) return { state, progress: { ...progress, phase: 'finish' } };
  const call = getNextCall(context, progress);
  const next = { ...progress, providers };
  const nextPhase = providers.length === 0 ? ('finish' as const) : ('call' as const);
  if (call?.provider !== provider) {
    const circuit = progress.failures.length === 0 ? operation : 'send';
    const failure = context.mayCircuitBeOpen(provider, circuit) ? NOT_CALLED : MISSING_CALL;
    return {
      state,
      progress: { ...next, failures: [...next.failures, failure], phase: nextPhase },
    };
  }
  const called = { ...next, calls: next.calls + 1 };
  const result = toCallResult(call);
  if (result.kind === 'accepted') {
    return { state, progress: { ...called, acceptedBy: provider, phase: 'finish' } };
  }
  if (result.kind !== 'failed') throw new Error(`a send ended with ${result.kind}`);
  const { failure } = result;
  const isFinal = failure.code === 'destination_unreachable';
  const failures = [...called.failures, failure];
  return { state, progress: { ...called, failures, phase: isFinal ? 'finish' : nextPhase } };
}

/** Ends the client's older pending verification of the number, and makes the new one pending. */
function confirmSend(context: StepContext, state: ModelState, progress: Progress): StepResult {
  const { record } = context;
  const sent = state.getVerification(record.id);
  if (sent?.status !== 'sending') return done(markAmbiguous(state, record), progress, NOT_FOUND);
  const { client, phoneNumber, createdAt } = sent;
  let result = state;
  for (const older of state.listVerifications(client, phoneNumber)) {
    if (older.status !== 'pending' || older.createdAt > createdAt) continue;
    const status = older.expiresAt <= createdAt ? 'expired' : 'cancelled';
    result = result.changeVerification(older.id, { status });
  }
  const isSuperseded = result
    .listVerifications(client, phoneNumber)
    .some(({ status }) => status === 'pending');
  result = result.changeVerification(sent.id, {
    status: isSuperseded ? 'cancelled' : 'pending',
    provider: progress.acceptedBy,
  });
  const stored = storeAnswer(result, record, record.response.body);
  return done(stored, progress, describeSend(context, progress, sent));
}

function confirmResend(context: StepContext, state: ModelState, progress: Progress): StepResult {
  const { record } = context;
  const { channel = 'sms', target = '' } = record;
  const verification = state.getVerification(target);
  // The verification was erased while the provider sent the message.
  if (!verification) return done(markAmbiguous(state, record), progress, NOT_FOUND);
  const { status, expiresAt, confirmedResends, codeRequestedAt } = verification;
  // A resend that was requested later may have replaced the code.
  const isNewest = record.startedAt >= codeRequestedAt;
  const confirmed =
    status === 'pending' && isNewest
      ? state.changeVerification(target, {
          provider: progress.acceptedBy,
          channel,
          confirmedResends: confirmedResends + 1,
          codeRequestedAt: record.startedAt,
        })
      : state;
  const now = record.calls.at(-1)?.endedAt ?? record.startedAt;
  if (!acceptsCodes(verification, context.settings, now)) {
    const ended = problem(409, 'not_resendable');
    return done(markAmbiguous(confirmed, record), progress, ended);
  }
  const answer = describeSend(context, progress, { channel, expiresAt });
  return done(storeAnswer(confirmed, record, record.response.body), progress, {
    ...answer,
    body: { ...answer.body, pinId: record.pinId },
  });
}

function describeSend(
  { record, settings }: StepContext,
  { acceptedBy }: Progress,
  { channel, expiresAt }: { channel: string; expiresAt: number },
): ExpectedAnswer {
  const resendAvailableAt = toIsoTime(record.startedAt + settings.cooldownMs);
  const codeLength = getCodeLength(acceptedBy);
  const body = { channel, codeLength, resendAvailableAt, expiresAt: toIsoTime(expiresAt) };
  return { status: 200, replayed: false, body };
}

export const toIsoTime = (time: number): string => new Date(time).toISOString();

/** Keeps a message counted that may have been sent; releases one that was certainly not sent. */
function releaseSend({ record }: StepContext, state: ModelState, progress: Progress): StepResult {
  const { failures, target = '' } = progress;
  const answer = failureAnswer(findMostSpecific(failures));
  if (failures.some(({ ambiguous }) => ambiguous)) {
    const failed = record.kind === 'send' ? failSend(state, target) : state;
    return done(markAmbiguous(failed, record), progress, answer);
  }
  const { id, client } = record;
  if (failures.some(({ code }) => code === 'destination_unreachable')) {
    // The provider's look-up of the number counts as a message to the number.
    return done(releaseKey(removeSend(state, record.kind, target), record), progress, answer);
  }
  const { phoneNumber = '', endUser } = progress.targetCopy ?? {};
  const { sends } = state.getNumber(client, phoneNumber);
  let released = state.changeNumber(client, phoneNumber, { sends: removeEvent(sends, id) });
  if (endUser !== undefined) {
    released = released.setEndUser(endUser, removeEvent(released.getEndUser(endUser), id));
  }
  return done(releaseKey(removeSend(released, record.kind, target), record), progress, answer);
}

/** Removes a message that was not sent: from its verification, or together with it for a send. */
function removeSend(state: ModelState, kind: string, target: string): ModelState {
  if (kind === 'send') return state.deleteVerification(target);
  const messages = (state.getVerification(target)?.messages ?? 0) - 1;
  return state.changeVerification(target, { messages });
}

const failSend = (state: ModelState, id: string): ModelState =>
  state.getVerification(id)?.status === 'sending'
    ? state.changeVerification(id, { status: 'failed' })
    : state;

/** Prefers a failure after which the message may have been sent, then one of an actual call. */
const findMostSpecific = (failures: readonly CallFailure[]): CallFailure =>
  failures.find(({ ambiguous }) => ambiguous) ??
  failures.find(({ wasCalled }) => wasCalled) ??
  failures[0] ??
  MISSING_CALL;
