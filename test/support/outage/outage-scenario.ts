import { setTimeout as delay } from 'node:timers/promises';
import { wrongCode } from '../wrong-code.js';
import type { Fleet } from './fleet.js';
import {
  LoadGenerator,
  newPhoneNumber,
  type RecordedResponse,
  type UserFlow,
} from './load-generator.js';
import { scaleTimeLimit } from '../time-scale.js';

/** How to start and end an outage of a server. */
export interface Outage {
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
}

/** The responses before, during and after an outage; times as in {@link RecordedResponse}. */
export interface OutageResult {
  readonly responses: readonly RecordedResponse[];
  readonly flows: readonly UserFlow[];
  /** The server is certainly down from here. */
  readonly downFrom: number;
  /** The server is certainly down until here. */
  readonly downUntil: number;
  /** All replicas serve requests again from here. */
  readonly recoveredAt: number;
  /** Codes and limits from before the outage. */
  readonly before: StateBefore;
}

interface SentCode {
  readonly phoneNumber: string;
  readonly pinId: string;
  readonly code: string;
}

/** Codes sent before the outage, and a number at its limit. */
interface StateBefore {
  readonly unusedCode: SentCode;
  /** Resent, submitted and read during the outage. Attempts with an unanswered commit may count. */
  readonly codeUsedInOutage: SentCode;
  readonly usedCode: SentCode;
  /** One wrong code was submitted for it. */
  readonly guessedCode: SentCode;
  /** Key of the request that verified {@link usedCode}. */
  readonly idempotencyKey: string;
  /** A number that has received as many messages as it may in a day. */
  readonly limitedNumber: string;
}

/** More than a replica's database connections. */
const CONCURRENT_SENDS = 50;
const CONCURRENT_CALLS_PER_REPLICA = 6;
const OUTAGE_MS = 1_500;
const RECOVERY_TIMEOUT_MS = scaleTimeLimit(10_000);
const POLL_MS = 50;
const FLOWS_AFTER_RECOVERY = 10;

export const COOLDOWN_MS = 1_000;

/** Settings with which {@link StateBefore.limitedNumber} reaches its limit quickly. */
export const SCENARIO_SETTINGS = {
  SEND_COOLDOWN: `${String(COOLDOWN_MS)}ms`,
  SENDS_PER_NUMBER_PER_DAY: '2',
};

/** Runs an outage of a server that a fleet needs while the fleet is under load. */
export async function runOutage(fleet: Fleet, outage: Outage): Promise<OutageResult> {
  const load = new LoadGenerator(fleet);
  try {
    const before = await createStateBefore(fleet);
    await outage.begin();
    const downFrom = performance.now();
    await callEveryRoute(fleet, load, before);
    const downUntil = performance.now();
    await outage.end();
    const recoveredAt = await waitForRecovery(fleet, load);
    await waitForFlows(load);
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

/** Sends the codes whose state the tests compare after the outage. */
async function createStateBefore(fleet: Fleet): Promise<StateBefore> {
  const [{ http }] = fleet.replicas;
  const verify = ({ pinId }: SentCode, otpCode: string) =>
    http.post('/otp/verify').send({ pinId, otpCode });
  const limited = await sendCode(fleet);
  const cooldown = delay(COOLDOWN_MS);
  const [unusedCode, codeUsedInOutage, usedCode, guessedCode] = [
    await sendCode(fleet),
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
  await http.post('/otp/resend').send({ pinId: limited.pinId }).expect(200);
  const limitedNumber = limited.phoneNumber;
  return { unusedCode, codeUsedInOutage, usedCode, guessedCode, idempotencyKey, limitedNumber };
}

async function sendCode({ replicas: [{ http }], getReceivedCodes }: Fleet): Promise<SentCode> {
  const phoneNumber = newPhoneNumber();
  const { body } = await http.post('/otp/send').send({ phoneNumber }).expect(200);
  const [code = ''] = await getReceivedCodes(phoneNumber);
  return { phoneNumber, pinId: body.pinId, code };
}

/** Calls every route of every replica during the outage, in addition to the load. */
async function callEveryRoute(
  fleet: Fleet,
  load: LoadGenerator,
  { codeUsedInOutage }: StateBefore,
): Promise<void> {
  const { pinId, code } = codeUsedInOutage;
  const targets = fleet.replicas.flatMap((replica) =>
    Array.from({ length: CONCURRENT_CALLS_PER_REPLICA }, () => replica),
  );
  const until = performance.now() + OUTAGE_MS;
  while (performance.now() < until) {
    const requests = targets.flatMap(({ http }) => [
      load.record('send', http.post('/otp/send').send({ phoneNumber: newPhoneNumber() })),
      load.record('resend', http.post('/otp/resend').send({ pinId })),
      load.record('verify', http.post('/otp/verify').send({ pinId, otpCode: code })),
      load.record('status', http.get(`/otp/${pinId}`)),
    ]);
    await Promise.all(requests);
    await delay(POLL_MS);
  }
}

/**
 * Waits until each replica serves more sends at once than it has database connections.
 * @returns when these sends started
 */
async function waitForRecovery({ replicas }: Fleet, load: LoadGenerator): Promise<number> {
  const deadline = performance.now() + RECOVERY_TIMEOUT_MS;
  for (;;) {
    const startedAt = performance.now();
    const sends = replicas.flatMap(({ http }) =>
      Array.from({ length: CONCURRENT_SENDS }, () =>
        load.record('send', http.post('/otp/send').send({ phoneNumber: newPhoneNumber() })),
      ),
    );
    const statuses = new Set((await Promise.all(sends)).map(({ status }) => status));
    if (statuses.size === 1 && statuses.has(200)) return startedAt;
    if (startedAt > deadline)
      throw new Error(`The replicas still return ${[...statuses].join(' and ')}`);
    await delay(POLL_MS);
  }
}

/** Waits until some more flows are complete. */
async function waitForFlows({ flows }: LoadGenerator): Promise<void> {
  const completed = () => flows.filter(({ isComplete }) => isComplete).length;
  const target = completed() + FLOWS_AFTER_RECOVERY;
  const deadline = performance.now() + RECOVERY_TIMEOUT_MS;
  while (completed() < target) {
    if (performance.now() > deadline) throw new Error('No flow completes any more');
    await delay(POLL_MS);
  }
}
