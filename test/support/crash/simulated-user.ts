import { setTimeout as delay } from 'node:timers/promises';
import { wrongCode } from '../wrong-code.js';
import type { SeededRandom } from '../seeded-random.js';
import type { Client } from './client.js';
import type { CallResponse, History } from './history.js';

/** A phone with the app that its user signs in to; both outlive the service's process. */
export interface Phone {
  readonly number: string;
  readonly behaviour: UserBehaviour;
  /** The newest verification that the app knows. */
  pinId: string | undefined;
}

/** What the actions of a phone's user need during one run of the service. */
export interface UserContext {
  readonly phone: Phone;
  readonly service: Client;
  readonly history: History;
  readonly random: SeededRandom;
  /** Aborted when the run ends. */
  readonly signal: AbortSignal;
}

type Action = (context: UserContext) => Promise<unknown>;

/** The idempotency key of a phone's requests: an app that repeats a request uses the same key. */
export const buildIdempotencyKey = (
  operation: 'send' | 'resend' | 'verify',
  { number }: Phone,
): string => `${operation} ${number}`;

/** The code of the newest message on the phone. */
const readCode = ({ phone, history }: UserContext): string =>
  history.messages.findLast(({ phoneNumber }) => phoneNumber === phone.number)?.code ?? '000000';

function rememberPinId(phone: Phone, response: CallResponse | undefined): void {
  phone.pinId = response?.body.pinId ?? phone.pinId;
}

const send: Action = async ({ phone, service }) => {
  rememberPinId(phone, await service.send(phone.number));
};

const sendWithKey: Action = async ({ phone, service }) => {
  rememberPinId(phone, await service.send(phone.number, buildIdempotencyKey('send', phone)));
};

const sendOnce: Action = async (context) => {
  if (context.phone.pinId === undefined) await send(context);
};

const resend: Action = async ({ phone, service }) =>
  phone.pinId && service.resend(phone.number, phone.pinId);

const resendWithKey: Action = async ({ phone, service }) =>
  phone.pinId && service.resend(phone.number, phone.pinId, buildIdempotencyKey('resend', phone));

const submitRightCode: Action = async (context) => {
  const { phone, service } = context;
  return phone.pinId && service.verify(phone.number, phone.pinId, readCode(context));
};

const submitRightCodeWithKey: Action = async (context) => {
  const { phone, service } = context;
  const key = buildIdempotencyKey('verify', phone);
  return phone.pinId && service.verify(phone.number, phone.pinId, readCode(context), key);
};

/** An app that lost the response to its send knows the number only. */
const submitRightCodeByNumber: Action = async (context) =>
  context.service.verify(context.phone.number, undefined, readCode(context));

const submitWrongCode: Action = async (context) => {
  const { phone, service } = context;
  return phone.pinId && service.verify(phone.number, phone.pinId, wrongCode(readCode(context)));
};

const submitWrongCodeByNumber: Action = async (context) =>
  context.service.verify(context.phone.number, undefined, wrongCode(readCode(context)));

/** Three concurrent runs of the action. */
const race =
  (action: Action): Action =>
  (context) =>
    Promise.all([action(context), action(context), action(context)]);

/** Submits the code just before it expires, and again when it has expired. */
const submitAroundExpiry: Action = async (context) => {
  const { phone, service, random, signal } = context;
  const sent = await service.send(phone.number);
  rememberPinId(phone, sent);
  if (sent?.body.expiresAt === undefined) return;
  const expiresAt = Date.parse(sent.body.expiresAt);
  for (const moment of [expiresAt - random.between(0, 200), expiresAt]) {
    await pause(moment - Date.now(), signal);
    if (!signal.aborted) await submitRightCode(context);
  }
};

/** The actions of each kind of user, who repeats them in random order. */
const BEHAVIOURS = {
  /** Repeats requests with the same idempotency keys, so only one send and one resend take effect. */
  careful: [sendWithKey, race(sendWithKey), resendWithKey, race(submitRightCodeWithKey)],
  careless: [send, send, resend, submitRightCode, submitWrongCode, submitRightCodeByNumber],
  racing: [send, race(send), race(submitRightCode), race(submitRightCodeByNumber)],
  guessing: [send, race(submitWrongCode), submitWrongCodeByNumber, race(submitWrongCodeByNumber)],
  /** Sends one code and does not use it before the end of the test. */
  patient: [sendOnce],
  expiry: [submitAroundExpiry],
} satisfies Record<string, readonly Action[]>;

export type UserBehaviour = keyof typeof BEHAVIOURS;

/** Repeats the actions of the phone's user until the run ends. */
export async function simulateUser(context: UserContext): Promise<void> {
  const { phone, random, signal } = context;
  while (!signal.aborted) {
    await random.oneOf<Action>(BEHAVIOURS[phone.behaviour])(context);
    await pause(random.between(0, 20), signal);
  }
}

/** Resolves after `ms`, or when the signal is aborted. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
