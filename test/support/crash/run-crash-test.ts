import { once, setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../../../src/common/durations.js';
import { startReplica, type Replica } from '../replica.js';
import type { SeededRandom } from '../seeded-random.js';
import { scaleTimeLimit } from '../time-scale.js';
import { Client } from './client.js';
import type { TestDatabase } from './databases.js';
import { listVerifications, type History, type Limits, type ServiceRun } from './history.js';
import { PhonePool } from './phone-pool.js';
import { startRecordingProvider, type RecordingProvider } from './recording-provider.js';
import { buildIdempotencyKey, simulateUser, type Phone } from './simulated-user.js';

/** The fake provider never takes this long, even on a busy machine. */
const PROVIDER_TIMEOUT_MS = seconds(2);
/** The longest request (`maxRequestMs` in config/providers.config.ts): an older unfinished send is abandoned. */
const ABANDONED_AFTER_MS = 2 * PROVIDER_TIMEOUT_MS + seconds(5);
/** The service fails abandoned sends after its start, while it already serves requests. */
const CLEANUP_MS = scaleTimeLimit(seconds(5));

const LIMITS: Limits = {
  maxAttempts: 3,
  // One more than maxAttempts: the first wrong code of a second verification reaches this limit.
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

/** In every eighth run codes expire after one second, and the crash comes around that time. */
const EXPIRY_RUN_INTERVAL = 8;

/**
 * An ordinary run is killed after at most this many calls, about 250 ms on a quiet machine. A time
 * limit would cover fewer calls on a busy machine.
 */
const MAX_CALLS_BEFORE_CRASH = 100;

/** Phones that verify at the same time after the last crash. */
const CONCURRENT_PHONES = 10;

export interface CrashTestResult {
  readonly history: History;
  /** Rows in state `sending`: seen after the crashes, and left by the cleanup of the last start. */
  readonly sendingRows: { readonly afterCrashes: number; readonly afterCleanup: number };
}

/** Everything that outlives the service's process. */
interface TestContext {
  readonly database: TestDatabase;
  readonly provider: RecordingProvider;
  readonly pool: PhonePool;
  readonly history: History;
}

/**
 * Runs the service under load and kills it, `times` times. Then it starts the service once more and
 * verifies every code.
 */
export async function runCrashTest(
  createDatabase: () => Promise<TestDatabase>,
  times: number,
  random: SeededRandom,
): Promise<CrashTestResult> {
  const history: History = { limits: LIMITS, runs: [], calls: [], messages: [], codeChecks: [] };
  const database = await createDatabase();
  const provider = await startRecordingProvider(history, random.for('upstream'));
  const context: TestContext = { database, provider, pool: new PhonePool(), history };
  try {
    let afterCrashes = 0;
    for (let n = 1; n <= times; n += 1) {
      await runUntilKilled(context, random.for(`round ${n}`), n % EXPIRY_RUN_INTERVAL === 0);
      afterCrashes += await database.countSending();
    }
    await delay(ABANDONED_AFTER_MS);
    const afterCleanup = await verifyEverything(context);
    return { history, sendingRows: { afterCrashes, afterCleanup } };
  } finally {
    await provider.close();
    await database.remove();
  }
}

/**
 * Starts the service, puts it under load and kills it at a random moment.
 * @param codesExpire whether codes expire during this run
 */
async function runUntilKilled(
  context: TestContext,
  random: SeededRandom,
  codesExpire: boolean,
): Promise<void> {
  const { pool, history } = context;
  const phones = [...pool.selectForRun(random), ...(codesExpire ? pool.addExpiryPhones() : [])];

  const replica = await startService(context, { OTP_TTL: codesExpire ? '1s' : '5m' });
  const service = new Client(replica.url, history);
  const run: ServiceRun = { startedAt: Date.now(), killedAt: undefined };
  history.runs.push(run);
  const controller = new AbortController();
  const { signal } = controller;
  // Every simulated user adds a listener.
  setMaxListeners(0, signal);
  const firstCallEnded = once(service, 'ended');
  const load = phones.map((phone) =>
    simulateUser({ phone, service, history, random: random.for(phone.number), signal }),
  );
  // The first call of a new process is slow, so times and calls count from the end of that call.
  await firstCallEnded;
  if (codesExpire) await delay(random.between(900, 1_200));
  else await waitForCalls(service, random.between(0, MAX_CALLS_BEFORE_CRASH));
  await delay(random.between(0, 10));
  controller.abort();
  run.killedAt = Date.now();
  await replica.kill();
  await Promise.all(load);
}

/** Waits until this number of further calls have ended. */
async function waitForCalls(service: Client, count: number): Promise<void> {
  let ended = 0;
  await new Promise<void>((resolve) => {
    const check = (): void => {
      if (ended >= count) resolve();
      ended += 1;
    };
    service.on('ended', check);
    check();
  });
}

/**
 * The last run, without faults: submits the right code for every verification.
 * @returns the number of abandoned sends that the service has not failed.
 */
async function verifyEverything(context: TestContext): Promise<number> {
  const { database, provider, pool, history } = context;
  provider.disableFaults();
  const replica = await startService(context, { OTP_TTL: '5m' });
  try {
    history.runs.push({ startedAt: Date.now(), killedAt: undefined });
    const abandoned = await waitForCleanup(database);
    const service = new Client(replica.url, history);
    const queue = [...pool.phones];
    const worker = async () => {
      for (let phone = queue.pop(); phone; phone = queue.pop())
        await verifyAll(phone, service, history);
    };
    await Promise.all(Array.from({ length: CONCURRENT_PHONES }, worker));
    return abandoned;
  } finally {
    await replica.stop();
  }
}

/** Submits the right code for every verification of a phone, and repeats requests with a key. */
async function verifyAll(phone: Phone, service: Client, history: History): Promise<void> {
  const usesKeys = phone.behaviour === 'careful';
  if (usesKeys) await service.send(phone.number, buildIdempotencyKey('send', phone));
  const verifications = listVerifications(history);
  for (const { phoneNumber, pinId, message } of verifications) {
    if (phoneNumber !== phone.number) continue;
    const key = usesKeys ? buildIdempotencyKey('verify', phone) : undefined;
    await service.verify(phone.number, pinId, message.code, key);
  }
}

const startService = (
  { database, provider }: TestContext,
  settings: NodeJS.ProcessEnv,
): Promise<Replica> =>
  startReplica({ ...SETTINGS, ...database.settings, ...settings, INFOBIP_BASE_URL: provider.url });

/** Waits until no row is in state `sending`, or the time is over. @returns how many still are */
async function waitForCleanup(database: TestDatabase): Promise<number> {
  const deadline = Date.now() + CLEANUP_MS;
  for (;;) {
    const count = await database.countSending();
    if (count === 0 || Date.now() > deadline) return count;
    await delay(20);
  }
}
