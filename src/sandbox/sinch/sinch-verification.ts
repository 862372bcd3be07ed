import { randomUUID } from 'node:crypto';
import { isUnreachable, type ForcedOutcome } from '../faults/sandbox-fault.js';
import { DEFAULT_LANGUAGE, type SinchLanguage } from './sinch-languages.js';
import {
  parseClockDuration,
  type SinchCodeType,
  type SinchMethod,
  type SinchStartRequest,
} from './sinch-requests.js';

export const SINCH_STATUSES = [
  'PENDING',
  'SUCCESSFUL',
  'FAIL',
  'DENIED',
  'ABORTED',
  'ERROR',
] as const;
type SinchStatus = (typeof SINCH_STATUSES)[number];

const DEFAULT_TTL_MS = 10 * 60_000;
const DEFAULT_INTERCEPTION_S = 60;

/** A verification and its current status. All times are in ms since the epoch. */
export interface SinchVerification {
  readonly id: string;
  readonly method: SinchMethod;
  /** E.164 with a leading `+`. */
  readonly number: string;
  readonly reference: string | undefined;
  /** Returned in callbacks. */
  readonly custom: string | undefined;
  /** The code; for a flash call, the caller's number; empty for a seamless verification. */
  readonly expectedCode: string;
  readonly codeType: SinchCodeType;
  readonly language: SinchLanguage;
  /** Seconds that a mobile app should wait for the message or call. */
  readonly interceptionTimeout: number;
  readonly startedAt: number;
  readonly expiresAt: number;
  status: SinchStatus;
  /** Sinch's text why the verification failed, if there is one. */
  reason: string | undefined;
}

interface SinchVerificationOptions {
  readonly now: number;
  readonly expectedCode: string;
  readonly forcedOutcome: ForcedOutcome | undefined;
  readonly language: SinchLanguage;
}

/**
 * Creates a pending verification. If the forced outcome means that nothing was sent, the verification is
 * already closed.
 */
export function createVerification(
  request: SinchStartRequest,
  { now, expectedCode, forcedOutcome, language }: SinchVerificationOptions,
): SinchVerification {
  const { method, identity, reference, custom, smsOptions, flashCallOptions } = request;
  const { expiry } = method === 'sms' ? smsOptions : {};
  const ttlMs = expiry === undefined ? DEFAULT_TTL_MS : parseClockDuration(expiry);
  const verification: SinchVerification = {
    id: randomUUID(),
    method,
    number: identity.endpoint,
    reference,
    custom,
    expectedCode,
    codeType: getCodeType(request),
    language: method === 'sms' || method === 'whatsapp' ? language : DEFAULT_LANGUAGE,
    interceptionTimeout:
      method === 'flashcall' ? flashCallOptions.interceptionTimeout : DEFAULT_INTERCEPTION_S,
    startedAt: now,
    expiresAt: forcedOutcome === 'expired' ? now : now + ttlMs,
    status: 'PENDING',
    reason: undefined,
  };
  if (forcedOutcome === 'not-sent') closeVerification(verification, 'DENIED', 'Destination denied');
  if (isUnreachable(forcedOutcome))
    closeVerification(verification, 'ERROR', 'Network error or number unreachable');
  return verification;
}

/** Only SMS and WhatsApp let the client choose the characters of the code. */
export function getCodeType(request: SinchStartRequest): SinchCodeType {
  if (request.method === 'sms') return request.smsOptions.codeType;
  return request.method === 'whatsapp' ? request.whatsappOptions.codeType : 'Numeric';
}

export function closeVerification(
  verification: SinchVerification,
  status: SinchStatus,
  reason?: string,
): void {
  verification.status = status;
  verification.reason = reason;
}

/** Closes a pending verification that has expired. */
export function expireIfDue(verification: SinchVerification, now: number): void {
  if (verification.status === 'PENDING' && now >= verification.expiresAt)
    closeVerification(verification, 'FAIL', 'Expired');
}

/**
 * Whether a code can be submitted. An expired verification returns `FAIL` for it, every other closed one
 * 404.
 */
export function isReportable({ status, reason }: SinchVerification): boolean {
  return status === 'PENDING' || reason === 'Expired';
}
