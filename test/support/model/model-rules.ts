import { hours, minutes, seconds } from '../../../src/common/durations.js';
import type { ProviderName } from '../../../src/common/provider-name.js';
import type { ModelState, NumberRecord, VerificationRecord, WindowEvent } from './model-state.js';
import { CLIENTS, type ModelChannel } from './operation.js';

/*
 * What the service allows, one rule per function. The steps of the operations are in the
 * `*-steps.ts` files beside this one; they decide nothing themselves.
 */

/** The limits of a run, as its settings give them. */
export interface ModelSettings {
  readonly ttlMs: number;
  readonly maxAttempts: number;
  readonly cooldownMs: number;
  readonly sendsPerDay: number;
  readonly failuresPerHour: number;
  readonly failuresPerDay: number;
  readonly endUserSendsPerHour: number;
  /** Share of a number's limits that a client has while others use the number; above 0, at most 1. */
  readonly clientSharePerNumber: number;
  /** After this time, a request that has no result was ended by a crash. */
  readonly maxRequestMs: number;
}

/** Why a limit rejects a request, and until when. */
export interface LimitRejection {
  readonly code: 'cooldown_active' | 'quota_exceeded' | 'resend_limit_reached';
  readonly until: number;
  /** Whether the client is within its own limits: only events of other clients are the cause. */
  readonly isShared?: boolean;
}

export const IDEMPOTENCY_KEY_MS = hours(24);

/** The name under which a client's end user at an address is counted. A new secret changes it. */
export const endUserOf = (client: string, address: string, secret: string): string =>
  `${secret} ${client} ${address}`;

/** Only Sinch has WhatsApp. */
export const hasChannel = (provider: ProviderName, channel: ModelChannel = 'sms'): boolean =>
  channel !== 'whatsapp' || provider === 'sinch';

/** Infobip's filter of SMS to one number: the most with the same code, and the most in all. */
const FLOOD_FILTER = { sameCode: 6, messages: 20, windowMs: minutes(61) };

/** What limits need to know of a message and of its code. */
export type LimitedSend = Pick<
  VerificationRecord,
  'client' | 'phoneNumber' | 'endUser' | 'channel' | 'expiresAt' | 'attempts'
>;

/** Whether a request may still find the earlier one with its key. */
export const isKeyValid = (createdAt: number, now: number): boolean =>
  createdAt > now - IDEMPOTENCY_KEY_MS;

/** Whether the right code still gets `verified: true`. */
export const isClaimable = ({ status, expiresAt }: VerificationRecord, now: number): boolean =>
  (status === 'pending' || status === 'unclaimed') && expiresAt > now;

/**
 * Whether the answer to an earlier check is lost, so that its provider is asked first.
 * @param own how many of the unresolved checks are the request's own
 */
export const followsLostAnswer = (
  { unresolved, lostAt }: VerificationRecord,
  now: number,
  { own, isRepeat }: { own: number; isRepeat: boolean },
): boolean => unresolved > own && (isRepeat || lostAt <= now);

export const isOpen = ({ status, expiresAt }: VerificationRecord, now: number): boolean =>
  status === 'pending' && expiresAt > now;

/** Whether a message that was requested after that of the code may not have a result yet. */
export function isMessageRunning(
  state: ModelState,
  { client, phoneNumber, codeRequestedAt }: VerificationRecord,
  { maxRequestMs }: ModelSettings,
  now: number,
): boolean {
  const [newest] = state.getNumber(client, phoneNumber).sends;
  return newest !== undefined && newest.at > Math.max(codeRequestedAt, now - maxRequestMs);
}

/** Whether a user who gets the code again has time to enter it. */
export const canBeEntered = (
  { expiresAt }: VerificationRecord,
  { ttlMs }: ModelSettings,
  now: number,
): boolean => expiresAt - now >= Math.min(seconds(30), ttlMs / 2);

/** Rejects a resend if the provider no longer delivers this code; `until` a new one can be sent. */
export function findSameCodeLimit(
  state: ModelState,
  { provider, messages, ...verification }: VerificationRecord,
  channel: ModelChannel,
  settings: ModelSettings,
  now: number,
): LimitRejection | undefined {
  const isFiltered = channel === 'sms' && provider === 'infobip';
  if (!isFiltered || messages < FLOOD_FILTER.sameCode) return undefined;
  const newCode = { ...verification, channel, attempts: 0, expiresAt: now + settings.ttlMs };
  const limit = findSendLimit(state, newCode, settings, now);
  if (limit?.isShared) return limit;
  return { code: 'resend_limit_reached', until: limit?.until ?? now };
}

export const getAttemptsRemaining = (
  { attempts }: VerificationRecord,
  { maxAttempts }: ModelSettings,
): number => Math.max(0, maxAttempts - attempts);

/** Infobip's template has codes of six digits. Sinch does not state a length. */
const CODE_LENGTHS = { infobip: 6, sinch: undefined } as const;

/** How many submitted codes a provider checks for each code that it sent. */
const ATTEMPTS_PER_CODE = { infobip: Infinity, sinch: 1 } as const;

/** How many digits the code of a provider has; `undefined` if that is not known. */
export const getCodeLength = (provider: ProviderName | undefined): number | undefined =>
  provider && CODE_LENGTHS[provider];

/** Whether a code has the length of the provider's codes, or that length is not known. */
export const hasRightLength = (
  { provider }: VerificationRecord,
  code: string | undefined,
): boolean => (getCodeLength(provider) ?? code?.length) === code?.length;

/** The attempts that clients see: as many as the service and the provider still allow. */
export const getVisibleAttempts = (
  verification: VerificationRecord,
  settings: ModelSettings,
): number => {
  const { provider } = verification;
  const byProvider = provider ? ATTEMPTS_PER_CODE[provider] : Infinity;
  return Math.min(getAttemptsRemaining(verification, settings), byProvider);
};

/** Whether a code that is submitted now may still be checked, as far as its verification decides. */
export const acceptsCodes = (
  verification: VerificationRecord,
  settings: ModelSettings,
  now: number,
): boolean => isOpen(verification, now) && getAttemptsRemaining(verification, settings) > 0;

/** The status that clients see; `undefined` if they see no verification. */
export function getVisibleStatus(
  verification: VerificationRecord,
  settings: ModelSettings,
  now: number,
): string | undefined {
  const isExhausted = getAttemptsRemaining(verification, settings) === 0;
  switch (verification.status) {
    case 'sending':
    case 'failed':
      return undefined;
    case 'expired':
    case 'cancelled':
      return isExhausted ? 'exhausted' : verification.status;
    case 'pending': {
      const isExpired = now >= verification.expiresAt;
      if (!isExhausted) return isExpired ? 'expired' : 'pending';
      return isExpired || verification.unresolved === 0 ? 'exhausted' : 'pending';
    }
    case 'unclaimed':
      return 'verified';
    default:
      return verification.status;
  }
}

export function getClosedReason(
  verification: VerificationRecord,
  settings: ModelSettings,
  now: number,
): string {
  const status = getVisibleStatus(verification, settings, now) ?? '';
  const reasons: Record<string, string> = {
    verified: 'already_verified',
    cancelled: 'cancelled',
    expired: 'expired',
  };
  return reasons[status] ?? 'attempts_exhausted';
}

/** Finds the limit that rejects a message now: one of the client's own first. */
export function findSendLimit(
  state: ModelState,
  send: LimitedSend,
  settings: ModelSettings,
  now: number,
): LimitRejection | undefined {
  const byNumber = explainNumberLimit(state, send, settings, now);
  if (byNumber && !byNumber.isShared) return byNumber;
  const { events, day } = readSendLimits(state, send, settings);
  const isLimited =
    byNumber &&
    (isFilterReached(send, events, now) ||
      (isShareUsed(events, day, now) && !isAlone(events, day, now)) ||
      isCodeShareUsed(state, send, settings, now, { isAloneExempt: true }));
  return findEndUserLimit(state, send.endUser, settings, now) ?? (isLimited ? byNumber : undefined);
}

/**
 * Finds the limit that the service names after it rejected a message by the number's limits. This does
 * not check again whether other clients use the number.
 */
export function explainNumberLimit(
  state: ModelState,
  send: LimitedSend,
  settings: ModelSettings,
  now: number,
): LimitRejection | undefined {
  const { events, cooldown, day } = readSendLimits(state, send, settings);
  const cooldownUntil = getOwnBlockedUntil(events, cooldown, now) ?? 0;
  const { messages: count, windowMs } = FLOOD_FILTER;
  const until = Math.max(
    cooldownUntil,
    getOwnBlockedUntil(events, day, now) ?? 0,
    getChecksBlockedUntil(state, send, settings, now),
    send.channel === 'sms' ? (getBlockedUntil(events.own, count, windowMs, now) ?? 0) : 0,
  );
  if (until > 0) {
    return { code: until === cooldownUntil ? 'cooldown_active' : 'quota_exceeded', until };
  }
  const isShared =
    isFilterReached(send, events, now) ||
    isShareUsed(events, day, now) ||
    isCodeShareUsed(state, send, settings, now, { isAloneExempt: false });
  return isShared ? createSharedLimit(now) : undefined;
}

/** Until when the client's own wrong codes block checks; 0 if the code can be checked before. */
function getChecksBlockedUntil(
  state: ModelState,
  send: LimitedSend,
  settings: ModelSettings,
  now: number,
): number {
  const { events, windows } = readCodeLimits(state, send, settings);
  const ends = windows.map((window) => getOwnBlockedUntil(events, window, now) ?? 0);
  const until = Math.max(...ends);
  return until >= send.expiresAt ? until : 0;
}

/** Whether the client's share of wrong codes blocks all checks of the code, except a first one. */
function isCodeShareUsed(
  state: ModelState,
  send: LimitedSend,
  settings: ModelSettings,
  now: number,
  { isAloneExempt }: { isAloneExempt: boolean },
): boolean {
  if (send.attempts === 0) return false;
  const { events, windows } = readCodeLimits(state, send, settings);
  const last = send.expiresAt - 1;
  return windows.some(
    (window) =>
      isShareUsed(events, window, last) && !(isAloneExempt && isAlone(events, window, last)),
  );
}

/** Whether all clients together have sent as many messages as the provider delivers. */
const isFilterReached = (
  { channel }: LimitedSend,
  { own, others }: NumberEvents,
  now: number,
): boolean => {
  const sends = [...own, ...others.flat()].filter(({ at }) => at > now - FLOOD_FILTER.windowMs);
  return channel === 'sms' && sends.length >= FLOOD_FILTER.messages;
};

function readSendLimits(
  state: ModelState,
  { client, phoneNumber }: ClientNumber,
  { cooldownMs, sendsPerDay, clientSharePerNumber }: ModelSettings,
) {
  return {
    events: readNumbers(state, client, phoneNumber, ({ sends }) => sends),
    cooldown: { count: 1, share: 1, windowMs: cooldownMs },
    day: {
      count: sendsPerDay,
      share: toShare(sendsPerDay, clientSharePerNumber),
      windowMs: hours(24),
    },
  };
}

/** Finds the limit of the end user if it rejects a message now. */
export function findEndUserLimit(
  state: ModelState,
  endUser: string | undefined,
  { endUserSendsPerHour }: ModelSettings,
  now: number,
): LimitRejection | undefined {
  if (endUser === undefined) return undefined;
  const until = getBlockedUntil(state.getEndUser(endUser), endUserSendsPerHour, hours(1), now);
  return until === undefined ? undefined : { code: 'quota_exceeded', until };
}

/** Finds the limit of wrong codes if it rejects another code of the verification now. */
export function findCodeLimit(
  state: ModelState,
  { client, phoneNumber, attempts }: VerificationRecord,
  settings: ModelSettings,
  now: number,
): LimitRejection | undefined {
  const limit = explainCodeLimit(state, { client, phoneNumber }, settings, now);
  if (!limit?.isShared) return limit;
  const { events, windows } = readCodeLimits(state, { client, phoneNumber }, settings);
  // The first code of a verification is checked beyond the share.
  const isLimited =
    attempts > 0 &&
    windows.some((window) => !isAlone(events, window, now) && isShareUsed(events, window, now));
  return isLimited ? limit : undefined;
}

/**
 * Finds the limit that the service names after it rejected a code by the number's wrong codes. This
 * does not check again whether other clients use the number.
 */
export function explainCodeLimit(
  state: ModelState,
  number: ClientNumber,
  settings: ModelSettings,
  now: number,
): LimitRejection | undefined {
  const { events, windows } = readCodeLimits(state, number, settings);
  const until = Math.max(...windows.map((window) => getOwnBlockedUntil(events, window, now) ?? 0));
  if (until > 0) return { code: 'quota_exceeded', until };
  const isShared = windows.some((window) => isShareUsed(events, window, now));
  return isShared ? createSharedLimit(now) : undefined;
}

type ClientNumber = Pick<VerificationRecord, 'client' | 'phoneNumber'>;

function readCodeLimits(
  state: ModelState,
  { client, phoneNumber }: ClientNumber,
  { failuresPerHour, failuresPerDay, clientSharePerNumber }: ModelSettings,
) {
  const hour = { count: failuresPerHour, windowMs: hours(1), restartsAtSuccess: true };
  const day = { count: failuresPerDay, windowMs: hours(24) };
  const windows = [hour, day].map((limit) => ({
    ...limit,
    share: toShare(limit.count, clientSharePerNumber),
  }));
  return { windows, events: readNumbers(state, client, phoneNumber, ({ failures }) => failures) };
}

/** A limit of a number, for one client. */
interface NumberWindow {
  readonly count: number;
  /** The part of `count` that a client has while other clients have events in the window. */
  readonly share: number;
  readonly windowMs: number;
  /** Whether only events after the client's last success count. */
  readonly restartsAtSuccess?: boolean;
}

/** The events of a number: the client's own, and those of each other client. */
interface NumberEvents {
  readonly own: readonly WindowEvent[];
  /** When the client last verified the number. */
  readonly verifiedAt: number;
  readonly others: readonly (readonly WindowEvent[])[];
}

function readNumbers(
  state: ModelState,
  client: string,
  phoneNumber: string,
  getEvents: (record: NumberRecord) => readonly WindowEvent[],
): NumberEvents {
  const own = state.getNumber(client, phoneNumber);
  const others = CLIENTS.filter((other) => other !== client);
  return {
    own: getEvents(own),
    verifiedAt: own.verifiedAt,
    others: others.map((other) => getEvents(state.getNumber(other, phoneNumber))),
  };
}

/** A client's share of a limit, rounded up. A binary fraction may be a little too high. */
const toShare = (count: number, clientSharePerNumber: number): number =>
  Math.ceil(Number((count * clientSharePerNumber).toFixed(6)));

/** This answer does not depend on what other clients did, so that it does not reveal that. */
const createSharedLimit = (now: number): LimitRejection => ({
  code: 'quota_exceeded',
  until: now + hours(1),
  isShared: true,
});

const getOwnBlockedUntil = (
  { own, verifiedAt }: NumberEvents,
  { count, windowMs, restartsAtSuccess = false }: NumberWindow,
  now: number,
): number | undefined =>
  getBlockedUntil(own, count, windowMs, now, restartsAtSuccess ? verifiedAt : 0);

/** Whether no other client has an event in the window. */
const isAlone = ({ others }: NumberEvents, { windowMs }: NumberWindow, now: number): boolean =>
  others.every(([newest]) => !newest || newest.at <= now - windowMs);

/** Whether a client has used its share, if that is less than the whole limit. */
const isShareUsed = (events: NumberEvents, limit: NumberWindow, now: number): boolean =>
  limit.share < limit.count &&
  getOwnBlockedUntil(events, { ...limit, count: limit.share }, now) !== undefined;

/** When a window accepts another event; `undefined` if it does now. Events are newest first. */
function getBlockedUntil(
  events: readonly WindowEvent[],
  count: number,
  windowMs: number,
  now: number,
  countedAfter = 0,
): number | undefined {
  const event = events[count - 1];
  if (!event || event.at <= countedAfter) return undefined;
  const until = event.at + windowMs;
  return until > now ? until : undefined;
}
