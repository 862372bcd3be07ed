import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Response } from 'supertest';
import { hours, seconds } from '../../src/common/durations.js';
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
/** How late a code may expire or a cooldown may end on a machine that is busy with other tests. */
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

/** Repeats a request until `isWanted` accepts the response. @throws Error after `timeoutMs` */
async function poll(
  request: () => Promise<Response>,
  isWanted: (response: Response) => boolean,
  timeoutMs: number,
): Promise<Response> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const requestedAt = performance.now();
    const response = await request();
    if (isWanted(response)) return response;
    if (requestedAt > deadline) throw new Error(`still ${JSON.stringify(response.body)}`);
    await delay(20);
  }
}

/**
 * Expects that the cooldown and the code of the last send have not ended yet, and that both end
 * within TTL_MS, the longer of the two times, and the tolerance.
 */
async function expectBothToEnd(
  replica: Replica,
  phoneNumber: string,
  pinId: string,
): Promise<void> {
  const startedAt = performance.now();
  const response = await send(replica, phoneNumber);
  expectProblem(response, 429, 'cooldown_active');
  expect(Number(response.headers['retry-after'])).toBeLessThanOrEqual(COOLDOWN_MS / 1_000);
  const isPending = ({ body }: Response) => body.status === 'pending';
  expect(isPending(await getStatus(replica, pinId))).toBe(true);
  const status = () => getStatus(replica, pinId);
  await poll(status, (later) => !isPending(later), TTL_MS + TOLERANCE_MS);
  const leftMs = startedAt + TTL_MS + TOLERANCE_MS - performance.now();
  await poll(
    () => send(replica, phoneNumber),
    ({ status }) => status === 200,
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

    /** Has the process set its clock back by JUMP_MS, and waits until that is done. */
    async function setBack(replica: Replica): Promise<void> {
      replica.signal('SIGUSR2');
      while (!replica.output.includes('The clock was set back.')) await delay(10);
    }

    // This test fails if `applyReading` in clock.ts does not set `aheadMs`.
    it(
      'does not extend a cooldown or the lifetime of a code',
      async () => {
        const replica = await start({
          DATA_DIR: dataDir,
          CLOCK_STEP_MS: String(JUMP_MS),
        });
        const phoneNumber = newPhoneNumber();
        const { body } = await send(replica, phoneNumber).expect(200);
        await setBack(replica);

        await expectBothToEnd(replica, phoneNumber, body.pinId);
        // Responses show times by the replica's wall clock, two hours behind that of this process.
        const { createdAt } = (await getStatus(replica, body.pinId)).body;
        expect(Math.abs(Date.parse(createdAt) + JUMP_MS - Date.now())).toBeLessThan(
          TTL_MS + 2 * TOLERANCE_MS,
        );
      },
      TEST_TIMEOUT_MS,
    );

    // This test fails if `applyReading` in clock.ts does not set `aheadMs`.
    it(
      'ends a rate limit after a minute at most',
      async () => {
        const replica = await start({
          DATA_DIR: dataDir,
          CLOCK_STEP_MS: String(JUMP_MS),
          THROTTLE_VERIFY_LIMIT: '1',
        });
        const verify = () => replica.http.post('/otp/verify').send({});
        await verify().expect(400);
        await setBack(replica);

        const getRetryAfter = async () =>
          Number((await verify().expect(429)).headers['retry-after']);
        const retryAfter = await getRetryAfter();
        expect(retryAfter).toBeLessThanOrEqual(60);
        await delay(seconds(2));
        expect(await getRetryAfter()).toBeLessThan(retryAfter);
      },
      TEST_TIMEOUT_MS,
    );

    // This test fails if clock-synchronizer.ts does not call `advanceTo`.
    it(
      'does not extend a cooldown or the lifetime of a code, even if it restarts meanwhile',
      async () => {
        const replica = await start({ DATA_DIR: dataDir });
        const phoneNumber = newPhoneNumber();
        const { body } = await send(replica, phoneNumber).expect(200);
        await replica.stop();

        const restarted = await start({ DATA_DIR: dataDir, CLOCK_SKEW_MS: String(-JUMP_MS) });
        await expectBothToEnd(restarted, phoneNumber, body.pinId);
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

    /** A database with an adjustable clock: `public.clock_timestamp` hides that of PostgreSQL. */
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

    // This test fails if `applyReading` in clock.ts does not set `aheadMs`, and if
    // clock-synchronizer.ts does not call `advanceTo`.
    it(
      'do not extend cooldowns or lifetimes of codes, even if a replica starts later',
      async () => {
        const { url, setClock } = await createDatabase();
        const settings = { DATABASE_URL: url };
        const replica = await start(settings);
        await setClock(-JUMP_MS);
        const numbers: string[] = [];
        const pinIds: string[] = [];
        const sendToNewNumber = async () => {
          const phoneNumber = newPhoneNumber();
          const response = await send(replica, phoneNumber).expect(200);
          numbers.push(phoneNumber);
          pinIds.push(response.body.pinId);
          return response;
        };
        const isSetBack = ({ body }: Response) =>
          Date.parse(body.expiresAt) < Date.now() - JUMP_MS / 2;
        await poll(sendToNewNumber, isSetBack, SYNC_TIMEOUT_MS);
        // The second last send is the last one before the replica read the clock that was set back.
        await expectBothToEnd(replica, numbers.at(-2) ?? '', pinIds.at(-2) ?? '');

        // A starting replica learns the time of the running ones from the rows that they write.
        let isStarting = true;
        const sendUntilStarted = async () => {
          while (isStarting) await sendToNewNumber();
        };
        const load = sendUntilStarted();
        const later = await start(settings);
        isStarting = false;
        await load;
        await expectBothToEnd(later, numbers.at(-1) ?? '', pinIds.at(-1) ?? '');
      },
      TEST_TIMEOUT_MS,
    );
  });
});
