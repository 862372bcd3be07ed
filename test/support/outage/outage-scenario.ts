import { setTimeout as delay } from 'node:timers/promises';
import { wrongCode } from '../wrong-code.js';
import type { Fleet } from './fleet.js';
import {
  LoadGenerator,
  newPhoneNumber,
  type RecordedResponse,
  type UserFlow,
} from './load-generator.js';
import { scaled } from '../time-scale.js';

/** How something is taken from a fleet, and given back. */
export interface Outage {
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
}

/** What callers heard before, during and after an outage; times as in {@link RecordedResponse}. */
export interface OutageResult {
  readonly responses: readonly RecordedResponse[];
  readonly flows: readonly UserFlow[];
  /** From here on it was away for certain. */
  readonly downFrom: number;
  /** Until here it was away for certain. */
  readonly downUntil: number;
  /** From here on the fleet was whole again. */
  readonly recoveredAt: number;
  /** What callers had reached before the outage. */
  readonly before: StateBefore;
}

interface SentCode {
  readonly phoneNumber: string;
  readonly pinId: string;
  readonly code: string;
}

/** Codes sent before the outage, and how far each of them was used. */
interface StateBefore {
  readonly unusedCode: SentCode;
  readonly usedCode: SentCode;
  /** One of its attempts is spent. */
  readonly guessedCode: SentCode;
  /** The idempotency key of the verify that used the used one. */
  readonly idempotencyKey: string;
  /** As many texts as a phone may have in a day. */
  readonly limitedNumber: string;
}

/** More than a replica has connections to its database. */
const AT_ONCE = 50;
const EACH_CALL_AT_ONCE = 6;
const AWAY_MS = 1_500;
const PATIENCE_MS = scaled(10_000);
const POLL_MS = 50;
const JOURNEYS_AFTERWARDS = 10;

export const COOLDOWN_MS = 1_000;

/** Settings by which {@link StateBefore.limitedNumber} can be had soon. */
export const SCENARIO_SETTINGS = {
  SEND_COOLDOWN: `${String(COOLDOWN_MS)}ms`,
  SENDS_PER_NUMBER_PER_DAY: '2',
};

/** Lets a fleet under load live through an outage. */
export async function runOutage(fleet: Fleet, outage: Outage): Promise<OutageResult> {
  const load = new LoadGenerator(fleet);
  try {
    const before = await prepare(fleet);
    await outage.begin();
    const downFrom = performance.now();
    await askEverything(fleet, load, before);
    const downUntil = performance.now();
    await outage.end();
    const recoveredAt = await untilWhole(fleet, load);
    await moreJourneys(load);
    await load.stop();
    const { responses, flows } = load;
    return { responses, flows, downFrom, downUntil, recoveredAt, before };
  } catch (error) {
    await load.stop().catch(() => undefined);
    const logs = fleet.replicas.map(({ output }) => output.slice(-1_500));
    throw new Error(`${String(error)}; the logs end with\n${logs.join('\nand\n')}`, {
      cause: error,
    });
  }
}

async function prepare(fleet: Fleet): Promise<StateBefore> {
  const [{ http }] = fleet.replicas;
  const verify = ({ pinId }: SentCode, otpCode: string) =>
    http.post('/otp/verify').send({ pinId, otpCode });
  const full = await sendCode(fleet);
  const cooldown = delay(COOLDOWN_MS);
  const [unusedCode, usedCode, guessedCode] = [
    await sendCode(fleet),
    await sendCode(fleet),
    await sendCode(fleet),
  ];
  const idempotencyKey = usedCode.pinId;
  await verify(usedCode, usedCode.code)
    .set('idempotency-key', idempotencyKey)
    .expect(200, { verified: true });
  await verify(guessedCode, wrongCode(guessedCode.code)).expect(200);
  await cooldown;
  await http.post('/otp/resend').send({ pinId: full.pinId }).expect(200);
  return { unusedCode, usedCode, guessedCode, idempotencyKey, limitedNumber: full.phoneNumber };
}

async function sendCode({ replicas: [{ http }], codesOf }: Fleet): Promise<SentCode> {
  const phoneNumber = newPhoneNumber();
  const { body } = await http.post('/otp/send').send({ phoneNumber }).expect(200);
  const [code = ''] = await codesOf(phoneNumber);
  return { phoneNumber, pinId: body.pinId, code };
}

/** Every call on every replica, for a while, besides what the load happens to ask. */
async function askEverything(
  fleet: Fleet,
  load: LoadGenerator,
  { unusedCode }: StateBefore,
): Promise<void> {
  const { pinId, code } = unusedCode;
  const askers = fleet.replicas.flatMap((replica) =>
    Array.from({ length: EACH_CALL_AT_ONCE }, () => replica),
  );
  const until = performance.now() + AWAY_MS;
  while (performance.now() < until) {
    const answers = askers.flatMap(({ http }) => [
      load.record('send', http.post('/otp/send').send({ phoneNumber: newPhoneNumber() })),
      load.record('resend', http.post('/otp/resend').send({ pinId })),
      load.record('verify', http.post('/otp/verify').send({ pinId, otpCode: code })),
      load.record('status', http.get(`/otp/${pinId}`)),
    ]);
    await Promise.all(answers);
    await delay(POLL_MS);
  }
}

/** Waits until each replica does as much at once as all its connections can: since when. */
async function untilWhole({ replicas }: Fleet, load: LoadGenerator): Promise<number> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const since = performance.now();
    const sends = replicas.flatMap(({ http }) =>
      Array.from({ length: AT_ONCE }, () =>
        load.record('send', http.post('/otp/send').send({ phoneNumber: newPhoneNumber() })),
      ),
    );
    const statuses = new Set((await Promise.all(sends)).map(({ status }) => status));
    if (statuses.size === 1 && statuses.has(200)) return since;
    if (since > deadline) throw new Error(`It still answers ${[...statuses].join(' and ')}`);
    await delay(POLL_MS);
  }
}

/** Waits until a number of phones had all their answers. */
async function moreJourneys({ flows }: LoadGenerator): Promise<void> {
  const completed = () => flows.filter(({ isComplete }) => isComplete).length;
  const enough = completed() + JOURNEYS_AFTERWARDS;
  const deadline = performance.now() + PATIENCE_MS;
  while (completed() < enough) {
    if (performance.now() > deadline) throw new Error('Nobody comes to an end of it any more');
    await delay(POLL_MS);
  }
}
