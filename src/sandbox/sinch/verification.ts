import { randomUUID } from 'node:crypto';
import type { ForcedOutcome } from '../faults/sandbox-fault.js';
import { spanMs, type CodeType, type Method, type StartRequest } from './requests.js';

type Status = 'PENDING' | 'SUCCESSFUL' | 'FAIL' | 'DENIED' | 'ABORTED' | 'ERROR';

const DEFAULT_LIFE_MS = 10 * 60_000;
const INTERCEPTION_S = 60;

/** One verification, from its start on. */
export interface Verification {
  readonly id: string;
  readonly method: Method;
  /** E.164 with `+`. */
  readonly endpoint: string;
  readonly reference: string | undefined;
  /** The code; of a flash call, who rings; of a data verification, nothing. */
  readonly secret: string;
  readonly codeType: CodeType;
  /** Seconds that a client should wait for the text or the call. */
  readonly interceptionTimeout: number;
  /** Milliseconds since the epoch, as all times here. */
  readonly startedAt: number;
  readonly expiresAt: number;
  status: Status;
  reason: string | undefined;
}

/** A verification as it starts: pending, unless it comes to an end at once. */
export function begin(
  { method, identity, reference, smsOptions, flashCallOptions, ...more }: StartRequest,
  { now, secret, effect }: { now: number; secret: string; effect: ForcedOutcome | undefined },
): Verification {
  const { expiry } = method === 'sms' ? smsOptions : {};
  const lifeMs = expiry === undefined ? DEFAULT_LIFE_MS : spanMs(expiry);
  const verification: Verification = {
    id: randomUUID(),
    method,
    endpoint: identity.endpoint,
    reference,
    secret,
    codeType: codeTypeOf({ method, smsOptions, ...more }),
    interceptionTimeout:
      method === 'flashcall' ? flashCallOptions.interceptionTimeout : INTERCEPTION_S,
    startedAt: now,
    expiresAt: effect === 'expired' ? now : now + lifeMs,
    status: 'PENDING',
    reason: undefined,
  };
  if (effect === 'not-sent') finish(verification, 'DENIED', 'Destination denied');
  if (effect === 'unreachable' || effect === 'unreachable-prose')
    finish(verification, 'ERROR', 'Network error or number unreachable');
  return verification;
}

/** Which characters its code has; one that is read out in a call is of digits. */
export function codeTypeOf({
  method,
  smsOptions,
  whatsappOptions,
}: Pick<StartRequest, 'method' | 'smsOptions' | 'whatsappOptions'>): CodeType {
  if (method === 'sms') return smsOptions.codeType;
  return method === 'whatsapp' ? whatsappOptions.codeType : 'Numeric';
}

/** Ends it, once and for all. */
export function finish(verification: Verification, status: Status, reason?: string): void {
  verification.status = status;
  verification.reason = reason;
}

/** Ends it if its time is over. */
export function expire(verification: Verification, now: number): Verification {
  if (verification.status === 'PENDING' && now >= verification.expiresAt)
    finish(verification, 'FAIL', 'Expired');
  return verification;
}

/** Whether a report is taken: of one whose time is over too, and it says so. */
export function canBeReported({ status, reason }: Verification): boolean {
  return status === 'PENDING' || reason === 'Expired';
}
