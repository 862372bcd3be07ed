import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../../src/common/durations.js';
import { Client } from '../support/crash/client.js';
import {
  findDuplicateMessages,
  findDuplicateSuccesses,
  findInconsistentReplays,
  findLateSuccesses,
} from '../support/crash/history-checks.js';
import { isDuring, type Call, type History } from '../support/crash/history.js';
import {
  startRecordingProvider,
  type RecordingProvider,
} from '../support/crash/recording-provider.js';
import { startFlakyProxy, type FlakyProxy } from '../support/outage/flaky-proxy.js';
import { newPhoneNumber } from '../support/outage/load-generator.js';
import { SignInLoad } from '../support/outage/sign-in-load.js';
import { startReplica, type Replica } from '../support/replica.js';
import { seedOfFile } from '../support/seed.js';
import { SeededRandom } from '../support/seeded-random.js';
import { startPostgresPair, type PostgresPair } from '../support/services/postgres-pair.js';
import { scaleTimeLimit } from '../support/time-scale.js';

const SEED = seedOfFile();
const RECOVERY_MS = scaleTimeLimit(seconds(5));
/** Longer than the outage, so that every outcome can be written. */
const PROVIDER_TIMEOUT_MS = Math.min(scaleTimeLimit(seconds(20)), seconds(60));
const SETTING_UP_MS = 120_000;
const USERS_BEFORE = 50;
const USERS_AFTER = 100;
const POLL_MS = 20;

/** How the primary ends. Afterwards new connections go to the promoted standby. */
const FAILOVERS: [title: string, failOver: (pair: PostgresPair) => Promise<void>][] = [
  [
    'becomes read-only and keeps its connections',
    async (pair) => {
      await pair.makeReadOnly();
      await pair.promote();
    },
  ],
  [
    'restarts as a standby',
    async (pair) => {
      await pair.stopPrimary();
      await pair.promote();
      await pair.startAsStandby();
    },
  ],
];

describe.each(FAILOVERS)(`When the primary %s under load (SEED=${SEED})`, (title, failOver) => {
  let pair: PostgresPair;
  let toPostgres: FlakyProxy;
  let provider: RecordingProvider;
  let replicas: Replica[];
  let load: SignInLoad;
  let redirectedAt: number;
  let readyAt: number[];
  let repeatedAt: number;
  const history: History = {
    limits: { maxAttempts: 5, failuresPerHour: 10, sendsPerDay: 5, cooldownMs: 1_000 },
    runs: [],
    calls: [],
    messages: [],
    codeChecks: [],
  };

  beforeAll(async () => {
    pair = await startPostgresPair();
    toPostgres = await startFlakyProxy(pair.primaryUrl);
    provider = await startRecordingProvider(history, new SeededRandom(`${SEED} ${title}`));
    const settings = {
      NODE_ENV: 'test',
      DATABASE_URL: toPostgres.url,
      INFOBIP_BASE_URL: provider.url,
      PROVIDER_TIMEOUT: `${PROVIDER_TIMEOUT_MS}ms`,
      SEND_COOLDOWN: '1s',
    };
    replicas = await Promise.all([startReplica(settings), startReplica(settings)]);
    const expired = await sendShortLivedCode(settings, history);
    load = new SignInLoad(
      replicas.map(({ url }) => new Client(url, history)),
      history,
    );
    await load.waitFor(USERS_BEFORE);
    await failOver(pair);
    await Promise.all(replicas.map((replica) => waitUntilReady(replica, false)));
    // On a slow machine, all users of the load may be waiting for an outcome.
    await new Client(replicas[0]?.url ?? '', history).send(newPhoneNumber());
    redirectedAt = Date.now();
    toPostgres.redirect(pair.standbyUrl);
    readyAt = await Promise.all(replicas.map((replica) => waitUntilReady(replica, true)));
    await load.waitFor(USERS_AFTER);
    await load.stop();
    repeatedAt = Date.now();
    await load.repeatRequests();
    const { phoneNumber, pinId } = expired;
    const code = history.messages.find((each) => each.phoneNumber === phoneNumber)?.code ?? '';
    await new Client(replicas[0]?.url ?? '', history).verify(phoneNumber, pinId, code);
  }, SETTING_UP_MS);

  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await toPostgres.close();
    await provider.close();
    await pair.stop();
  });

  const isUnavailable = ({ response }: Call) => response?.body.code === 'storage_unavailable';
  const callsOf = (operation: Call['operation']) =>
    history.calls.filter((call) => call.operation === operation);
  const sentDuring = (call: Call) =>
    history.messages.filter(
      ({ phoneNumber, at }) => phoneNumber === call.phoneNumber && isDuring(call, at),
    );

  it('every replica is ready and without failures within five seconds', () => {
    const failedAt = history.calls.filter(isUnavailable).map(({ endedAt }) => endedAt);
    expect(failedAt).not.toEqual([]);
    expect(Math.max(...readyAt, ...failedAt) - redirectedAt).toBeLessThan(RECOVERY_MS);
  });

  it('every message is sent during a call that is answered 200', () => {
    const accepted = callsOf('send').filter(({ response }) => response?.status === 200);
    const answered = new Set(accepted.flatMap(sentDuring));
    expect(history.messages.filter((message) => !answered.has(message))).toEqual([]);
  });

  it('every user with the right code is verified', () => {
    expect(load.users.length).toBeGreaterThanOrEqual(USERS_BEFORE + USERS_AFTER);
    expect(
      load.users.filter(({ verifyResponse }) => verifyResponse?.body.verified !== true),
    ).toEqual([]);
    const calls = callsOf('verify').filter(({ startedAt }) => startedAt < repeatedAt);
    const reasons = new Set(calls.map(({ response }) => response?.body.reason));
    expect(reasons).toEqual(new Set([undefined, 'wrong_code']));
  });

  it('no verification succeeds twice, although every right code is submitted again (I1)', () => {
    const again = callsOf('verify').filter(({ response }) => isAlreadyVerified(response));
    expect(again).toHaveLength(load.users.length);
    expect(findDuplicateSuccesses(history)).toEqual([]);
  });

  it('no number gets a second message, and no key a second response (I3)', () => {
    const numbers = history.messages.map(({ phoneNumber }) => phoneNumber);
    expect(numbers).toHaveLength(new Set(numbers).size);
    expect(findDuplicateMessages(history)).toEqual([]);
    const repeats = history.calls.filter(
      ({ startedAt, key }) => startedAt >= repeatedAt && key !== undefined,
    );
    expect(repeats.length).toBeGreaterThanOrEqual(load.users.length);
    expect(repeats.filter(({ response }) => response?.replayed !== true)).toEqual([]);
    expect(findInconsistentReplays(history)).toEqual([]);
  });

  it('no code succeeds after its expiry (I4)', () => {
    expect(history.calls.at(-1)?.response?.body).toEqual({ verified: false, reason: 'expired' });
    expect(findLateSuccesses(history)).toEqual([]);
  });

  it('no number, pinId or key is in the log (I5)', () => {
    const output = replicas.map((replica) => replica.output).join('');
    const secrets = [
      ...history.messages.map(({ phoneNumber }) => phoneNumber.slice(1)),
      ...history.calls.flatMap(({ response, key }) =>
        [response?.body.pinId ?? [], key ?? []].flat(),
      ),
    ];
    expect(output).toContain('request failed');
    expect(secrets.filter((secret) => output.includes(secret))).toEqual([]);
  });

  it('no rejected send reaches the provider (I6)', () => {
    const rejected = callsOf('send').filter(isUnavailable);
    expect(rejected).not.toEqual([]);
    expect(rejected.flatMap(sentDuring)).toEqual([]);
  });
});

const isAlreadyVerified = (response: Call['response']) =>
  response?.body.reason === 'already_verified';

/** Sends a code that expires after a second, from a replica that then stops. */
async function sendShortLivedCode(
  settings: NodeJS.ProcessEnv,
  history: History,
): Promise<{ phoneNumber: string; pinId: string }> {
  const replica = await startReplica({ ...settings, OTP_TTL: '1s' });
  const client = new Client(replica.url, history);
  let phoneNumber, pinId;
  // The provider rejects some sends.
  do {
    phoneNumber = newPhoneNumber();
    pinId = (await client.send(phoneNumber))?.body.pinId;
  } while (pinId === undefined);
  await replica.stop();
  return { phoneNumber, pinId };
}

/** @returns when the readiness changed, in milliseconds since the epoch */
async function waitUntilReady({ url }: Replica, isReady: boolean): Promise<number> {
  while ((await fetch(`${url}/health/ready`)).ok !== isReady) await delay(POLL_MS);
  return Date.now();
}
