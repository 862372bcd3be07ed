import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Response } from 'supertest';
import { hours } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { newPhoneNumber } from '../support/outage/load-generator.js';
import { expectProblem } from '../support/problem.js';
import { startReplica, type Replica } from '../support/replica.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { scaleTimeLimit } from '../support/time-scale.js';

const PRELOAD = pathToFileURL(resolve('test/support/outage/skewed-clock.mjs')).href;
const JUMP_MS = hours(2);
const COOLDOWN_MS = 4_000;
const TTL_MS = 6_000;
/** How late something may happen on a machine that is busy with other tests. */
const TOLERANCE_MS = scaleTimeLimit(2_000);
/** Replicas read the clock of the database every ten seconds. */
const SYNC_TIMEOUT_MS = scaleTimeLimit(15_000);
const TEST_TIMEOUT_MS = scaleTimeLimit(90_000);

const SETTINGS = {
  NODE_ENV: 'test',
  SEND_COOLDOWN: `${String(COOLDOWN_MS)}ms`,
  OTP_TTL: `${String(TTL_MS)}ms`,
};

const send = ({ http }: Replica, phoneNumber: string) =>
  http.post('/otp/send').send({ phoneNumber });
const getStatus = ({ http }: Replica, pinId: string) => http.get(`/otp/${pinId}`).expect(200);

/** Repeats a request until the response is as wanted. @throws Error after the time */
async function poll(
  request: () => Promise<Response>,
  isWanted: (response: Response) => boolean,
  timeoutMs: number,
): Promise<Response> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const response = await request();
    if (isWanted(response)) return response;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(response.body)}`);
    await delay(20);
  }
}

/** Expects a cooldown that ends after its length at most, and a code that expires. */
async function expectLengths(replica: Replica, phoneNumber: string, pinId: string): Promise<void> {
  const startedAt = performance.now();
  const response = await send(replica, phoneNumber);
  expectProblem(response, 429, 'cooldown_active');
  expect(Number(response.headers['retry-after'])).toBeLessThanOrEqual(COOLDOWN_MS / 1_000);
  const isPending = ({ body }: Response) => body.status === 'pending';
  expect(isPending(await getStatus(replica, pinId))).toBe(true);
  const status = () => getStatus(replica, pinId);
  await poll(status, (answer) => !isPending(answer), TTL_MS + TOLERANCE_MS);
  const leftMs = startedAt + TTL_MS + TOLERANCE_MS - performance.now();
  await poll(
    () => send(replica, phoneNumber),
    (answer) => answer.status === 200,
    Math.max(0, leftMs),
  );
}

describe('When a clock is set back by two hours,', () => {
  let sandbox: Sandbox;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    sandbox = await startSandbox({ port: 0 });
  });

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  afterAll(() => sandbox.close());

  async function start(settings: NodeJS.ProcessEnv): Promise<Replica> {
    const replica = await startReplica(
      { ...SETTINGS, INFOBIP_BASE_URL: sandbox.url, ...settings },
      { preload: PRELOAD },
    );
    closing.push(() => replica.stop());
    return replica;
  }

  describe('a service with SQLite', () => {
    let dataDir: string;
    beforeEach(() => {
      dataDir = mkdtempSync(join(tmpdir(), 'otp-data-'));
      closing.push(() => {
        rmSync(dataDir, { recursive: true });
      });
    });

    /** Sets the clock back, and waits until the process has done so. */
    async function setBack(replica: Replica): Promise<void> {
      replica.signal('SIGUSR2');
      while (!replica.output.includes('The clock was set back.')) await delay(10);
    }

    // Fails without clock.ts, applyReading: `aheadMs`
    it(
      'keeps to the lengths of cooldowns and codes',
      async () => {
        const replica = await start({
          DATA_DIR: dataDir,
          CLOCK_STEP_MS: String(JUMP_MS),
        });
        const phoneNumber = newPhoneNumber();
        const { body } = await send(replica, phoneNumber).expect(200);
        await setBack(replica);

        await expectLengths(replica, phoneNumber, body.pinId);
        const { createdAt } = (await getStatus(replica, body.pinId)).body;
        expect(Math.abs(Date.parse(createdAt) + JUMP_MS - Date.now())).toBeLessThan(
          TTL_MS + 2 * TOLERANCE_MS,
        );
      },
      TEST_TIMEOUT_MS,
    );

    // Fails without clock.ts, applyReading: `aheadMs`
    it(
      'keeps to the minute of a rate limit',
      async () => {
        const replica = await start({
          DATA_DIR: dataDir,
          CLOCK_STEP_MS: String(JUMP_MS),
          THROTTLE_VERIFY_LIMIT: '1',
        });
        const verify = () => replica.http.post('/otp/verify').send({});
        await verify().expect(400);
        await setBack(replica);

        const { headers } = await verify().expect(429);
        expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
      },
      TEST_TIMEOUT_MS,
    );

    // Fails without clock-synchronizer.ts, advanceTo
    it(
      'keeps to them after a restart too',
      async () => {
        const replica = await start({ DATA_DIR: dataDir });
        const phoneNumber = newPhoneNumber();
        const { body } = await send(replica, phoneNumber).expect(200);
        await replica.stop();

        const restarted = await start({ DATA_DIR: dataDir, CLOCK_SKEW_MS: String(-JUMP_MS) });
        await expectLengths(restarted, phoneNumber, body.pinId);
      },
      TEST_TIMEOUT_MS,
    );
  });

  describe('the replicas on a PostgreSQL', () => {
    let postgres: PostgresServer;
    beforeAll(async () => {
      postgres = await startPostgres();
    });
    afterAll(() => postgres.stop());

    /** A database whose clock can be set: its schema comes before that of the system's functions. */
    async function createDatabase(): Promise<{
      url: string;
      setClock: (ms: number) => Promise<unknown>;
    }> {
      const url = await postgres.createDatabase();
      const setClock = (ms: number) =>
        queryPostgres(
          url,
          `create or replace function public.clock_timestamp() returns timestamptz language sql
            as $$ select pg_catalog.clock_timestamp() + interval '${String(ms)} milliseconds' $$`,
        );
      await setClock(0);
      return { url: `${url}?options=-c%20search_path%3Dpublic%2Cpg_catalog`, setClock };
    }

    // Fails without clock.ts, applyReading: `aheadMs`; and without clock-synchronizer.ts, advanceTo
    it(
      'keep to the lengths of cooldowns and codes, one that starts later too',
      async () => {
        const { url, setClock } = await createDatabase();
        const settings = { DATABASE_URL: url };
        const replica = await start(settings);
        await setClock(-JUMP_MS);
        const numbers: string[] = [];
        const pinIds: string[] = [];
        const sendToNext = async () => {
          const phoneNumber = newPhoneNumber();
          const response = await send(replica, phoneNumber).expect(200);
          numbers.push(phoneNumber);
          pinIds.push(response.body.pinId);
          return response;
        };
        const isSetBack = ({ body }: Response) =>
          Date.parse(body.expiresAt) < Date.now() - JUMP_MS / 2;
        await poll(sendToNext, isSetBack, SYNC_TIMEOUT_MS);
        // The last one before the replica read the clock that was set.
        await expectLengths(replica, numbers.at(-2) ?? '', pinIds.at(-2) ?? '');

        // A replica that starts knows the time of those that run by what they store.
        let isStarting = true;
        const sendUntilStarted = async () => {
          while (isStarting) await sendToNext();
        };
        const load = sendUntilStarted();
        const later = await start(settings);
        isStarting = false;
        await load;
        await expectLengths(later, numbers.at(-1) ?? '', pinIds.at(-1) ?? '');
      },
      TEST_TIMEOUT_MS,
    );
  });
});
