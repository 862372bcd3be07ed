import { minutes, seconds } from '../../../src/common/durations.js';
import type { Call, CodeCheck, History, SentMessage } from './history.js';

/*
 * A short, correct history of one phone: a send, a wrong code, the right code, its replay by the
 * idempotency key, a call that a crash breaks, and a second run. Tests add what makes it wrong.
 */

const NUMBER = '+14155550000';
const PIN_ID = 'service-pin';
const PROVIDER_PIN_ID = 'PIN0';
const CODE = '111111';
/** The idempotency key with which the right code is submitted. */
export const KEY = 'a key';
export const EXPIRES_AT = minutes(5);
export const LAST_RUN_START = seconds(1);

export const sentMessage = (at: number, changes: Partial<SentMessage> = {}): SentMessage => ({
  operation: 'send',
  at,
  phoneNumber: NUMBER,
  providerPinId: PROVIDER_PIN_ID,
  code: CODE,
  ...changes,
});

export const codeCheck = (at: number, changes: Partial<CodeCheck> = {}): CodeCheck => ({
  at,
  phoneNumber: NUMBER,
  providerPinId: PROVIDER_PIN_ID,
  code: CODE,
  isCorrect: true,
  ...changes,
});

type CallChanges = Partial<Call> & { status?: number; replayed?: boolean };

/** A call of ten milliseconds; without a `body` its connection broke. */
function createCall(
  operation: Call['operation'],
  startedAt: number,
  body: object | undefined,
  changes: CallChanges,
): Call {
  const { status = 200, replayed = false, ...fields } = changes;
  return {
    operation,
    phoneNumber: NUMBER,
    pinId: undefined,
    code: undefined,
    key: undefined,
    startedAt,
    endedAt: startedAt + 10,
    response: body && { status, replayed, body },
    ...fields,
  };
}

export const send = (startedAt: number, body: object = {}, changes: CallChanges = {}): Call =>
  createCall(
    'send',
    startedAt,
    { pinId: PIN_ID, expiresAt: new Date(EXPIRES_AT).toISOString(), ...body },
    changes,
  );

export const verify = (startedAt: number, body?: object, changes: CallChanges = {}): Call =>
  createCall('verify', startedAt, body, { pinId: PIN_ID, code: CODE, ...changes });

/** The correct history with additions. */
export function historyWith(
  additions: Partial<Pick<History, 'calls' | 'messages' | 'codeChecks'>> = {},
): History {
  const { calls = [], messages = [], codeChecks = [] } = additions;
  return {
    limits: { maxAttempts: 3, failuresPerHour: 6, sendsPerDay: 5, cooldownMs: seconds(2) },
    runs: [
      { startedAt: 0, killedAt: 95 },
      { startedAt: LAST_RUN_START, killedAt: undefined },
    ],
    calls: [
      send(0),
      verify(20, { verified: false, reason: 'wrong_code' }, { code: '222222' }),
      verify(40, { verified: true }, { key: KEY }),
      verify(60, { verified: true }, { key: KEY, replayed: true }),
      verify(90, undefined),
      verify(LAST_RUN_START, { verified: false, reason: 'already_verified' }),
      ...calls,
    ],
    messages: [sentMessage(5), ...messages],
    codeChecks: [codeCheck(25, { code: '222222', isCorrect: false }), codeCheck(45), ...codeChecks],
  };
}
