import { hours } from '../../../src/common/durations.js';
import type { ModelState, VerificationRecord, WindowEvent } from './model-state.js';

/*
 * What the service allows, one rule per function. The steps of the operations are in the files
 * beside this one; they decide nothing themselves.
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
}

/** Why a limit rejects a request, and until when. */
export interface LimitRejection {
  readonly code: 'cooldown_active' | 'quota_exceeded';
  readonly until: number;
}

export const IDEMPOTENCY_KEY_MS = hours(24);

/** What limits a client at a number: what all clients did. */
export const COUNTED_FOR = 'all';

/** The end user at an address; a new secret starts its counts from zero. */
export const endUserOf = (address: string, secret: string): string => `${secret} ${address}`;

/** Whether a request may still find the earlier one with its key. */
export const isKeyValid = (createdAt: number, now: number): boolean =>
  createdAt > now - IDEMPOTENCY_KEY_MS;

export const isOpen = ({ status, expiresAt }: VerificationRecord, now: number): boolean =>
  status === 'pending' && expiresAt > now;

export const getAttemptsRemaining = (
  { attempts }: VerificationRecord,
  { maxAttempts }: ModelSettings,
): number => Math.max(0, maxAttempts - attempts);

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
    case 'cancelled':
      return isExhausted ? 'exhausted' : 'cancelled';
    case 'pending':
      if (now >= verification.expiresAt) return 'expired';
      return isExhausted ? 'exhausted' : 'pending';
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

/** Whether an attempt stays counted after its call failed: the code may have been checked. */
export const staysSpent = ({ ambiguous }: { ambiguous: boolean }): boolean => ambiguous;

/** Which limit rejects a message to a number now. */
export function findSendLimit(
  state: ModelState,
  { phoneNumber }: { phoneNumber: string },
  { cooldownMs, sendsPerDay }: ModelSettings,
  now: number,
): LimitRejection | undefined {
  const { sends } = state.getNumber(COUNTED_FOR, phoneNumber);
  const cooldown = getBlockedUntil(sends, 1, cooldownMs, now);
  const day = getBlockedUntil(sends, sendsPerDay, hours(24), now);
  if (cooldown === undefined && day === undefined) return undefined;
  if ((cooldown ?? 0) >= (day ?? 0)) return { code: 'cooldown_active', until: cooldown ?? now };
  return { code: 'quota_exceeded', until: day ?? now };
}

/** Whether an end user's limit rejects a message now. */
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

/** Whether the wrong codes of a verification's number reject another code now. */
export function findCodeLimit(
  state: ModelState,
  { phoneNumber }: VerificationRecord,
  { failuresPerHour, failuresPerDay }: ModelSettings,
  now: number,
): LimitRejection | undefined {
  const { failures } = state.getNumber(COUNTED_FOR, phoneNumber);
  const hour = getBlockedUntil(failures, failuresPerHour, hours(1), now) ?? 0;
  const day = getBlockedUntil(failures, failuresPerDay, hours(24), now) ?? 0;
  const until = Math.max(hour, day);
  return until > now ? { code: 'quota_exceeded', until } : undefined;
}

/** When a window accepts another event; `undefined` if it does now. Events are newest first. */
function getBlockedUntil(
  events: readonly WindowEvent[],
  count: number,
  windowMs: number,
  now: number,
): number | undefined {
  const event = events[count - 1];
  if (!event) return undefined;
  const until = event.at + windowMs;
  return until > now ? until : undefined;
}
