import { setTimeout as delay } from 'node:timers/promises';
import { wrongCode } from '../wrong-code.js';
import type { Client } from './client.js';
import type { CallResponse, History } from './history.js';
import type { SeededRandom } from '../seeded-random.js';

/** A phone and the app that its user signs in to. It outlives the service's process. */
export interface Phone {
  readonly number: string;
  readonly habit: UserBehaviour;
  /** The newest verification that the app heard of. */
  pinId: string | undefined;
}

/** One phone in one life of the service. */
export interface UserContext {
  readonly phone: Phone;
  readonly service: Client;
  readonly history: History;
  readonly random: SeededRandom;
  /** Aborted with the service's end. */
  readonly over: AbortSignal;
}

type Act = (scene: UserContext) => Promise<unknown>;

/** An app that repeats a request does so under the request's own key. */
export const sendKey = ({ number }: Phone) => `send ${number}`;
export const verifyKey = ({ number }: Phone) => `verify ${number}`;
const resendKey = ({ number }: Phone) => `resend ${number}`;

/** What the user reads on the phone: the code of the newest text. */
const codeOf = ({ phone, history }: UserContext): string =>
  history.messages.findLast(({ phoneNumber }) => phoneNumber === phone.number)?.code ?? '000000';

function remember(phone: Phone, answer: CallResponse | undefined): void {
  phone.pinId = answer?.body.pinId ?? phone.pinId;
}

const send: Act = async ({ phone, service }) => {
  remember(phone, await service.send(phone.number));
};

const sendWithKey: Act = async ({ phone, service }) => {
  remember(phone, await service.send(phone.number, sendKey(phone)));
};

const sendOnce: Act = async (scene) => {
  if (scene.phone.pinId === undefined) await send(scene);
};

const resend: Act = async ({ phone, service }) =>
  phone.pinId && service.resend(phone.number, phone.pinId);

const resendWithKey: Act = async ({ phone, service }) =>
  phone.pinId && service.resend(phone.number, phone.pinId, resendKey(phone));

const tryRightCode: Act = async (scene) => {
  const { phone, service } = scene;
  return phone.pinId && service.verify(phone.number, phone.pinId, codeOf(scene));
};

const tryRightCodeWithKey: Act = async (scene) => {
  const { phone, service } = scene;
  return phone.pinId && service.verify(phone.number, phone.pinId, codeOf(scene), verifyKey(phone));
};

/** The app that lost the answer to its send has nothing but the number. */
const tryRightCodeByNumber: Act = async (scene) =>
  scene.service.verify(scene.phone.number, undefined, codeOf(scene));

const tryWrongCode: Act = async (scene) => {
  const { phone, service } = scene;
  return phone.pinId && service.verify(phone.number, phone.pinId, wrongCode(codeOf(scene)));
};

const tryWrongCodeByNumber: Act = async (scene) =>
  scene.service.verify(scene.phone.number, undefined, wrongCode(codeOf(scene)));

/** Three of it at once. */
const race =
  (act: Act): Act =>
  (scene) =>
    Promise.all([act(scene), act(scene), act(scene)]);

/** Types the code at the last moment of its life, and once more after it. */
const tryAroundExpiry: Act = async (scene) => {
  const { phone, service, random, over } = scene;
  const sent = await service.send(phone.number);
  remember(phone, sent);
  if (sent?.body.expiresAt === undefined) return;
  const expiresAt = Date.parse(sent.body.expiresAt);
  for (const moment of [expiresAt - random.between(0, 200), expiresAt]) {
    await pause(moment - Date.now(), over);
    if (!over.aborted) await tryRightCode(scene);
  }
};

/** What each kind of user does, in any order, again and again. */
const HABITS = {
  /** Sends one text, and one again, ever: whatever breaks is repeated under its key. */
  careful: [sendWithKey, race(sendWithKey), resendWithKey, race(tryRightCodeWithKey)],
  careless: [send, send, resend, tryRightCode, tryWrongCode, tryRightCodeByNumber],
  racing: [send, race(send), race(tryRightCode), race(tryRightCodeByNumber)],
  guessing: [send, race(tryWrongCode), tryWrongCodeByNumber, race(tryWrongCodeByNumber)],
  /** Keeps a code for the day after tomorrow. */
  patient: [sendOnce],
  late: [tryAroundExpiry],
} satisfies Record<string, readonly Act[]>;

export type UserBehaviour = keyof typeof HABITS;

/** Follows the phone's habit until the service ends. */
export async function simulateUser(scene: UserContext): Promise<void> {
  const { phone, random, over } = scene;
  while (!over.aborted) {
    await random.oneOf<Act>(HABITS[phone.habit])(scene);
    await pause(random.between(0, 20), over);
  }
}

/** Resolves after `ms`, or when it is over. */
const pause = (ms: number, over: AbortSignal): Promise<void> =>
  delay(Math.max(0, ms), undefined, { signal: over }).catch(() => undefined);
