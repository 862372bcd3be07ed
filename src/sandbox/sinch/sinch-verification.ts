import { randomUUID } from 'node:crypto';
import type { ForcedOutcome } from '../faults/sandbox-fault.js';
import {
  parseClockDuration,
  type SinchCodeType,
  type SinchMethod,
  type SinchStartRequest,
} from './sinch-requests.js';

type SinchStatus = 'PENDING' | 'SUCCESSFUL' | 'FAIL' | 'DENIED' | 'ABORTED' | 'ERROR';

const DEFAULT_TTL_MS = 10 * 60_000;
const DEFAULT_INTERCEPTION_S = 60;

/** One verification, from its start on. */
export interface SinchVerification {
  readonly id: string;
  readonly method: SinchMethod;
  /** E.164 with `+`. */
  readonly endpoint: string;
  readonly reference: string | undefined;
  /** The code; of a flash call, who rings; of a data verification, nothing. */
  readonly expectedCode: string;
  readonly codeType: SinchCodeType;
  /** Seconds that a client should wait for the text or the call. */
  readonly interceptionTimeout: number;
  /** Milliseconds since the epoch, as all times here. */
  readonly startedAt: number;
  readonly expiresAt: number;
  status: SinchStatus;
  reason: string | undefined;
}

/** A verification as it starts: pending, unless it comes to an end at once. */
export function createVerification(
  { method, identity, reference, smsOptions, flashCallOptions, ...more }: SinchStartRequest,
  { now, secret, effect }: { now: number; secret: string; effect: ForcedOutcome | undefined },
): SinchVerification {
  const { expiry } = method === 'sms' ? smsOptions : {};
  const lifeMs = expiry === undefined ? DEFAULT_TTL_MS : parseClockDuration(expiry);
  const verification: SinchVerification = {
    id: randomUUID(),
    method,
    endpoint: identity.endpoint,
    reference,
    expectedCode: secret,
    codeType: getCodeType({ method, smsOptions, ...more }),
    interceptionTimeout:
      method === 'flashcall' ? flashCallOptions.interceptionTimeout : DEFAULT_INTERCEPTION_S,
    startedAt: now,
    expiresAt: effect === 'expired' ? now : now + lifeMs,
    status: 'PENDING',
    reason: undefined,
  };
  if (effect === 'not-sent') closeVerification(verification, 'DENIED', 'Destination denied');
  if (effect === 'unreachable' || effect === 'unreachable-prose')
    closeVerification(verification, 'ERROR', 'Network error or number unreachable');
  return verification;
}

/** Which characters its code has; one that is read out in a call is of digits. */
export function getCodeType({
  method,
  smsOptions,
  whatsappOptions,
}: Pick<SinchStartRequest, 'method' | 'smsOptions' | 'whatsappOptions'>): SinchCodeType {
  if (method === 'sms') return smsOptions.codeType;
  return method === 'whatsapp' ? whatsappOptions.codeType : 'Numeric';
}

/** Ends it, once and for all. */
export function closeVerification(
  verification: SinchVerification,
  status: SinchStatus,
  reason?: string,
): void {
  verification.status = status;
  verification.reason = reason;
}

/** Ends it if its time is over. */
export function expireIfDue(verification: SinchVerification, now: number): SinchVerification {
  if (verification.status === 'PENDING' && now >= verification.expiresAt)
    closeVerification(verification, 'FAIL', 'Expired');
  return verification;
}

/** Whether a report is taken: of one whose time is over too, and it says so. */
export function isReportable({ status, reason }: SinchVerification): boolean {
  return status === 'PENDING' || reason === 'Expired';
}
