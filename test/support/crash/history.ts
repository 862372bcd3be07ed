/*
 * Everything that clients called and the provider did, over all runs of the service's process. The
 * test's own process records all of it, so one clock orders it. Times are milliseconds since the
 * epoch.
 */

export interface History {
  readonly limits: Limits;
  readonly runs: ServiceRun[];
  readonly calls: Call[];
  readonly messages: SentMessage[];
  readonly codeChecks: CodeCheck[];
}

/** The limits in the service's settings. */
export interface Limits {
  readonly maxAttempts: number;
  readonly failuresPerHour: number;
  readonly sendsPerDay: number;
  readonly cooldownMs: number;
}

/** One run of the service's process. */
export interface ServiceRun {
  readonly startedAt: number;
  /** `undefined` for the last run, which is not killed. */
  killedAt: number | undefined;
}

/** A call to the service. */
export interface Call {
  readonly operation: 'send' | 'resend' | 'verify';
  /** The phone that the call is about, in E.164 form. */
  readonly phoneNumber: string;
  /** `undefined` for a send, and for a verify by phone number. */
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
  /** Whether the response is marked as a replay of an earlier call with the same key. */
  readonly replayed: boolean;
  readonly body: ResponseBody;
}

/** The members of any response body that the checks use. */
export interface ResponseBody {
  readonly pinId?: string;
  readonly expiresAt?: string;
  readonly verified?: boolean;
  readonly reason?: string;
  /** Error code of a problem document. */
  readonly code?: string;
}

/** A message that the provider accepted. */
export interface SentMessage {
  readonly operation: 'send' | 'resend';
  readonly at: number;
  readonly phoneNumber: string;
  readonly providerPinId: string;
  readonly code: string;
}

/** A code that the provider checked. */
export interface CodeCheck {
  readonly at: number;
  readonly phoneNumber: string;
  readonly providerPinId: string;
  readonly code: string;
  readonly isCorrect: boolean;
}

/** A verification whose pinId a client received, and its first message. */
export interface Verification {
  readonly pinId: string;
  readonly phoneNumber: string;
  readonly expiresAt: number;
  readonly message: SentMessage;
}

export const isDuring = ({ startedAt, endedAt }: Call, at: number): boolean =>
  startedAt <= at && at <= endedAt;

const isAcceptedSend = ({ operation, response }: Call): boolean =>
  operation === 'send' && response?.status === 200;

export const wasVerified = ({ response }: Call): boolean => response?.body.verified === true;

/** Whether a call got a response that does not replay an earlier one. */
export const hasOriginalResponse = ({ response }: Call): boolean =>
  response !== undefined && !response.replayed;

/** Every verification whose pinId a client received. */
export function listVerifications({ calls, messages }: History): Verification[] {
  const verifications = new Map<string, Verification>();
  const accepted = calls.filter(isAcceptedSend);
  // The message was sent during the original call, so that call comes before its replays.
  const replaysLast = [
    ...accepted.filter(hasOriginalResponse),
    ...accepted.filter((call) => !hasOriginalResponse(call)),
  ];
  for (const call of replaysLast) {
    const { phoneNumber, response } = call;
    const { pinId = '', expiresAt = '' } = response?.body ?? {};
    const message = messages.find(
      (candidate) =>
        candidate.operation === 'send' &&
        candidate.phoneNumber === phoneNumber &&
        // A replay comes after the message. It is the only one of this phone, because all sends of
        // the phone have the same key.
        (isDuring(call, candidate.at) || !hasOriginalResponse(call)),
    );
    if (!message || verifications.has(pinId)) continue;
    verifications.set(pinId, { pinId, phoneNumber, expiresAt: Date.parse(expiresAt), message });
  }
  return [...verifications.values()];
}
