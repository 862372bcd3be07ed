/*
 * What the service was asked and answered, and what it asked its vendor, over all the lives of its
 * process. All of it is written by the test's own process, so one clock orders it. Times are
 * milliseconds since the epoch.
 */

export interface History {
  readonly limits: Limits;
  readonly runs: ServiceRun[];
  readonly calls: Call[];
  readonly messages: SentMessage[];
  readonly codeChecks: CodeCheck[];
}

/** What the service was told to keep. */
export interface Limits {
  readonly maxAttempts: number;
  readonly failuresPerHour: number;
  readonly sendsPerDay: number;
  readonly cooldownMs: number;
}

/** One life of the service's process. */
export interface ServiceRun {
  readonly startedAt: number;
  /** `undefined` for the last one, which lived. */
  killedAt: number | undefined;
}

/** A call of the service. */
export interface Call {
  readonly operation: 'send' | 'resend' | 'verify';
  /** Whose phone it is about, in E.164 form. */
  readonly phoneNumber: string;
  /** The verification that was named; `undefined` for a send, and for a verify by number. */
  readonly pinId: string | undefined;
  readonly code: string | undefined;
  /** The `Idempotency-Key`. */
  readonly key: string | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  /** `undefined` if the connection broke. */
  readonly response: CallResponse | undefined;
}

export interface CallResponse {
  readonly status: number;
  /** Whether it says to be the answer of an earlier call with the same key. */
  readonly replayed: boolean;
  readonly body: ResponseBody;
}

/** The members that matter, of any answer. */
export interface ResponseBody {
  readonly pinId?: string;
  readonly expiresAt?: string;
  readonly verified?: boolean;
  readonly reason?: string;
  /** Of a problem. */
  readonly code?: string;
}

/** A text that the vendor accepted to send. */
export interface SentMessage {
  readonly operation: 'send' | 'resend';
  readonly at: number;
  readonly phoneNumber: string;
  /** The vendor's handle: one for each verification. */
  readonly pin: string;
  readonly code: string;
}

/** A code that the vendor judged. */
export interface CodeCheck {
  readonly at: number;
  readonly phoneNumber: string;
  readonly pin: string;
  readonly code: string;
  readonly isCorrect: boolean;
}

/** A verification whose handle was answered, and the text with which it began. */
export interface Verification {
  readonly pinId: string;
  readonly phoneNumber: string;
  readonly expiresAt: number;
  readonly message: SentMessage;
}

export const isDuring = ({ startedAt, endedAt }: Call, at: number): boolean =>
  startedAt <= at && at <= endedAt;

/** A send that was answered with a handle. */
const isAcceptedSend = ({ operation, response }: Call): boolean =>
  operation === 'send' && response?.status === 200;

export const wasVerified = ({ response }: Call): boolean => response?.body.verified === true;

/** Every verification that a caller heard of. */
export function listVerifications({ calls, messages }: History): Verification[] {
  const verifications = new Map<string, Verification>();
  const taken = calls.filter(isAcceptedSend);
  // An answer of its own tells when its text was sent: it goes before a replay.
  const replaysLast = [...taken.filter(isNotReplay), ...taken.filter((call) => !isNotReplay(call))];
  for (const call of replaysLast) {
    const { phoneNumber, response } = call;
    const { pinId = '', expiresAt = '' } = response?.body ?? {};
    const message = messages.find(
      (candidate) =>
        candidate.operation === 'send' &&
        candidate.phoneNumber === phoneNumber &&
        // Who repeats a send has no other one.
        (isDuring(call, candidate.at) || !isNotReplay(call)),
    );
    if (!message || verifications.has(pinId)) continue;
    verifications.set(pinId, { pinId, phoneNumber, expiresAt: Date.parse(expiresAt), message });
  }
  return [...verifications.values()];
}

/** Not the answer of an earlier call. */
export const isNotReplay = ({ response }: Call): boolean =>
  response !== undefined && !response.replayed;
