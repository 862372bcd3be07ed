import { setTimeout as delay } from 'node:timers/promises';
import { wrong } from '../codes.js';
import type { Fleet } from './fleet.js';
import { Load, newPhone, type Answered, type Journey } from './load.js';
import { scaled } from '../time-scale.js';

/** How something is taken from a fleet, and given back. */
export interface Outage {
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
}

/** What callers heard before, during and after an outage; times as in {@link Answered}. */
export interface Story {
  readonly answers: readonly Answered[];
  readonly journeys: readonly Journey[];
  /** From here on it was away for certain. */
  readonly awayFrom: number;
  /** Until here it was away for certain. */
  readonly awayUntil: number;
  /** From here on the fleet was whole again. */
  readonly wholeFrom: number;
  /** What callers had reached before the outage. */
  readonly kept: Kept;
}

interface Sent {
  readonly phoneNumber: string;
  readonly pinId: string;
  readonly code: string;
}

/** Codes sent before the outage, and how far each of them was used. */
interface Kept {
  readonly unused: Sent;
  readonly used: Sent;
  /** One of its attempts is spent. */
  readonly guessed: Sent;
  /** The idempotency key of the verify that used the used one. */
  readonly key: string;
  /** As many texts as a phone may have in a day. */
  readonly fullPhone: string;
}

/** More than a replica has connections to its database. */
const AT_ONCE = 50;
const EACH_CALL_AT_ONCE = 6;
const AWAY_MS = 1_500;
const PATIENCE_MS = scaled(10_000);
const POLL_MS = 50;
const JOURNEYS_AFTERWARDS = 10;

export const COOLDOWN_MS = 1_000;

/** Settings by which {@link Kept.fullPhone} can be had soon. */
export const STORY_SETTINGS = {
  SEND_COOLDOWN: `${String(COOLDOWN_MS)}ms`,
  SENDS_PER_NUMBER_PER_DAY: '2',
};

/** Lets a fleet under load live through an outage. */
export async function liveThrough(fleet: Fleet, outage: Outage): Promise<Story> {
  const load = new Load(fleet);
  try {
    const kept = await prepare(fleet);
    await outage.begin();
    const awayFrom = performance.now();
    await askEverything(fleet, load, kept);
    const awayUntil = performance.now();
    await outage.end();
    const wholeFrom = await untilWhole(fleet, load);
    await moreJourneys(load);
    await load.stop();
    const { answers, journeys } = load;
    return { answers, journeys, awayFrom, awayUntil, wholeFrom, kept };
  } catch (error) {
    await load.stop().catch(() => undefined);
    const logs = fleet.replicas.map(({ output }) => output.slice(-1_500));
    throw new Error(`${String(error)}; the logs end with\n${logs.join('\nand\n')}`, {
      cause: error,
    });
  }
}

async function prepare(fleet: Fleet): Promise<Kept> {
  const [{ http }] = fleet.replicas;
  const verify = ({ pinId }: Sent, otpCode: string) =>
    http.post('/otp/verify').send({ pinId, otpCode });
  const full = await sendCode(fleet);
  const cooldown = delay(COOLDOWN_MS);
  const [unused, used, guessed] = [
    await sendCode(fleet),
    await sendCode(fleet),
    await sendCode(fleet),
  ];
  const key = used.pinId;
  await verify(used, used.code).set('idempotency-key', key).expect(200, { verified: true });
  await verify(guessed, wrong(guessed.code)).expect(200);
  await cooldown;
  await http.post('/otp/resend').send({ pinId: full.pinId }).expect(200);
  return { unused, used, guessed, key, fullPhone: full.phoneNumber };
}

async function sendCode({ replicas: [{ http }], codesOf }: Fleet): Promise<Sent> {
  const phoneNumber = newPhone();
  const { body } = await http.post('/otp/send').send({ phoneNumber }).expect(200);
  const [code = ''] = await codesOf(phoneNumber);
  return { phoneNumber, pinId: body.pinId, code };
}

/** Every call on every replica, for a while, besides what the load happens to ask. */
async function askEverything(fleet: Fleet, load: Load, { unused }: Kept): Promise<void> {
  const { pinId, code } = unused;
  const askers = fleet.replicas.flatMap((replica) =>
    Array.from({ length: EACH_CALL_AT_ONCE }, () => replica),
  );
  const until = performance.now() + AWAY_MS;
  while (performance.now() < until) {
    const answers = askers.flatMap(({ http }) => [
      load.ask('send', http.post('/otp/send').send({ phoneNumber: newPhone() })),
      load.ask('resend', http.post('/otp/resend').send({ pinId })),
      load.ask('verify', http.post('/otp/verify').send({ pinId, otpCode: code })),
      load.ask('status', http.get(`/otp/${pinId}`)),
    ]);
    await Promise.all(answers);
    await delay(POLL_MS);
  }
}

/** Waits until each replica does as much at once as all its connections can: since when. */
async function untilWhole({ replicas }: Fleet, load: Load): Promise<number> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const since = performance.now();
    const sends = replicas.flatMap(({ http }) =>
      Array.from({ length: AT_ONCE }, () =>
        load.ask('send', http.post('/otp/send').send({ phoneNumber: newPhone() })),
      ),
    );
    const statuses = new Set((await Promise.all(sends)).map(({ status }) => status));
    if (statuses.size === 1 && statuses.has(200)) return since;
    if (since > deadline) throw new Error(`It still answers ${[...statuses].join(' and ')}`);
    await delay(POLL_MS);
  }
}

/** Waits until a number of phones had all their answers. */
async function moreJourneys({ journeys }: Load): Promise<void> {
  const completed = () => journeys.filter(({ complete }) => complete).length;
  const enough = completed() + JOURNEYS_AFTERWARDS;
  const deadline = performance.now() + PATIENCE_MS;
  while (completed() < enough) {
    if (performance.now() > deadline) throw new Error('Nobody comes to an end of it any more');
    await delay(POLL_MS);
  }
}
