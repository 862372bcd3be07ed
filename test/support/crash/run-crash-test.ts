import { once, setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../../../src/common/durations.js';
import { startReplica, type Replica } from '../replica.js';
import { Client } from './client.js';
import { PhonePool } from './phone-pool.js';
import { listVerifications, type History, type Limits, type ServiceRun } from './history.js';
import { sendKey, simulateUser, verifyKey, type Phone } from './simulated-user.js';
import type { TestDatabase } from './databases.js';
import type { SeededRandom } from '../seeded-random.js';
import { startRecordingProvider, type RecordingProvider } from './recording-provider.js';
import { scaled } from '../time-scale.js';

/** The upstream never takes this long, on however busy a machine. */
const PROVIDER_TIMEOUT_MS = seconds(2);
/** After this long a request that has not written its end is lost (storage/deadline.ts). */
const LOST_AFTER_MS = 2 * PROVIDER_TIMEOUT_MS + seconds(5);
/** At its start the service settles what is lost, while it answers already. */
const SETTLING_MS = scaled(seconds(5));

const LIMITS: Limits = {
  maxAttempts: 3,
  // One more than attempts: a second verification of a number reaches it by a single code.
  failuresPerHour: 4,
  sendsPerDay: 6,
  cooldownMs: seconds(2),
};

const SETTINGS = {
  NODE_ENV: 'test',
  LOG_LEVEL: 'warn',
  PROVIDER_TIMEOUT: `${PROVIDER_TIMEOUT_MS}ms`,
  OTP_MAX_ATTEMPTS: String(LIMITS.maxAttempts),
  FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: String(LIMITS.failuresPerHour),
  SENDS_PER_NUMBER_PER_DAY: String(LIMITS.sendsPerDay),
  SEND_COOLDOWN: `${LIMITS.cooldownMs}ms`,
};

/** In every eighth round a code lives for a second, and the service dies around its expiry. */
const SHORT_EVERY = 8;

/**
 * Of one life, but for those short ones. In calls a life is as eventful on a busy machine as on a
 * quiet one, where this many take a quarter of a second.
 */
const MOST_CALLS = 100;

/** How many phones ask at the same time in the end. */
const LANES = 10;

export interface CrashTestResult {
  readonly history: History;
  /** Rows in `sending` that were seen after the crashes, and those that the last start left. */
  readonly sendingRows: { readonly before: number; readonly after: number };
}

/** What lives on while the service dies and starts. */
interface World {
  readonly place: TestDatabase;
  readonly upstream: RecordingProvider;
  readonly crowd: PhonePool;
  readonly history: History;
}

/** Puts the service under load, kills it and starts it again, so many times; then asks for all. */
export async function runCrashTest(
  newPlace: () => Promise<TestDatabase>,
  times: number,
  random: SeededRandom,
): Promise<CrashTestResult> {
  const history: History = { limits: LIMITS, runs: [], calls: [], messages: [], codeChecks: [] };
  const place = await newPlace();
  const upstream = await startRecordingProvider(history, random.for('upstream'));
  const world: World = { place, upstream, crowd: new PhonePool(), history };
  try {
    let before = 0;
    for (let n = 1; n <= times; n += 1) {
      await liveAndDie(world, random.for(`round ${n}`), n % SHORT_EVERY === 0);
      before += await place.countSending();
    }
    await delay(LOST_AFTER_MS);
    const after = await askForEverything(world);
    return { history, sendingRows: { before, after } };
  } finally {
    await upstream.close();
    await place.remove();
  }
}

/** One life of the service, from its start to its kill at some moment of the load. */
async function liveAndDie(world: World, random: SeededRandom, short: boolean): Promise<void> {
  const { crowd, history } = world;
  const phones = [...crowd.ordinary(random), ...(short ? crowd.late() : [])];

  const replica = await start(world, { OTP_TTL: short ? '1s' : '5m' });
  const service = new Client(replica.url, history);
  const life: ServiceRun = { startedAt: Date.now(), killedAt: undefined };
  history.runs.push(life);
  const end = new AbortController();
  // Everybody listens for the end.
  setMaxListeners(0, end.signal);
  const awake = once(service, 'ended');
  const load = phones.map((phone) =>
    simulateUser({ phone, service, history, random: random.for(phone.number), over: end.signal }),
  );
  // The first call of a new process takes long; until it ends nothing else has happened.
  await awake;
  if (short) await delay(random.between(900, 1_200));
  else await callsEnded(service, random.between(0, MOST_CALLS));
  await delay(random.between(0, 10));
  end.abort();
  life.killedAt = Date.now();
  await replica.kill();
  await Promise.all(load);
}

/** Waits for so many more. */
async function callsEnded(service: Client, count: number): Promise<void> {
  let ended = 0;
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (ended >= count) resolve();
      ended += 1;
    };
    service.on('ended', look);
    look();
  });
}

/**
 * The last life, in which nothing goes wrong any more: every verification is tried once.
 * @returns how many sends are without an end although they are lost.
 */
async function askForEverything(world: World): Promise<number> {
  const { place, upstream, crowd, history } = world;
  upstream.disableFaults();
  const replica = await start(world, { OTP_TTL: '5m' });
  try {
    history.runs.push({ startedAt: Date.now(), killedAt: undefined });
    const left = await untilNoneIsSending(place);
    const service = new Client(replica.url, history);
    const queue = [...crowd.phones];
    const lane = async () => {
      for (let phone = queue.pop(); phone; phone = queue.pop())
        await askFor(phone, service, history);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return left;
  } finally {
    await replica.stop();
  }
}

/** Tries the right code on every verification of a phone; what has a key is asked once more. */
async function askFor(phone: Phone, service: Client, history: History): Promise<void> {
  const careful = phone.habit === 'careful';
  if (careful) await service.send(phone.number, sendKey(phone));
  const own = listVerifications(history).filter(({ phoneNumber }) => phoneNumber === phone.number);
  for (const { pinId, message } of own) {
    await service.verify(phone.number, pinId, message.code, careful ? verifyKey(phone) : undefined);
  }
}

const start = ({ place, upstream }: World, settings: NodeJS.ProcessEnv): Promise<Replica> =>
  startReplica({ ...SETTINGS, ...place.settings, ...settings, INFOBIP_BASE_URL: upstream.url });

async function untilNoneIsSending(place: TestDatabase): Promise<number> {
  const deadline = Date.now() + SETTLING_MS;
  for (;;) {
    const count = await place.countSending();
    if (count === 0 || Date.now() > deadline) return count;
    await delay(20);
  }
}
