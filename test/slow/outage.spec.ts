import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { wrongCode } from '../support/wrong-code.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';
import { createInfobipAccount, NO_LIMITS } from '../support/infobip-account.js';
import { startFleet, type Fleet } from '../support/outage/fleet.js';
import { startFlakyProxy, type FlakyProxy } from '../support/outage/flaky-proxy.js';
import {
  newPhoneNumber,
  type RecordedResponse,
  type Operation,
} from '../support/outage/load-generator.js';
import {
  COOLDOWN_MS,
  runOutage,
  SCENARIO_SETTINGS,
  type Outage,
  type OutageResult,
} from '../support/outage/outage-scenario.js';
import { expectProblem } from '../support/problem.js';
import { scaleTimeLimit } from '../support/time-scale.js';

/** The default of PROVIDER_TIMEOUT, which bounds the time until a response, and two seconds to send it. */
const DEADLINE_MS = 5_000 + scaleTimeLimit(2_000);
const RECOVERY_MS = scaleTimeLimit(5_000);
/** For `/health/live`, which depends on no server. */
const HEARTBEAT_MS = scaleTimeLimit(2_000);
const START_TIMEOUT_MS = 60_000;
/** How far the clocks of two replicas may differ: they read the database's time over a network. */
const MAX_CLOCK_DIFFERENCE_MS = 100;
const OPERATIONS: readonly Operation[] = ['send', 'resend', 'verify', 'status'];

interface Servers {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
}

interface Proxies {
  readonly toPostgres: FlakyProxy;
  readonly toRedis: FlakyProxy;
}

let sandbox: Sandbox;
let account: NodeJS.ProcessEnv;
let servers: Servers;

beforeAll(async () => {
  const [postgres, redis] = await Promise.all([
    startPostgres({ dedicated: true }),
    startRedis({ dedicated: true }),
  ]);
  servers = { postgres, redis };
  sandbox = await startSandbox({ port: 0 });
  account = await createInfobipAccount(sandbox.url, { configuration: NO_LIMITS });
}, START_TIMEOUT_MS);

afterAll(async () => {
  await sandbox.close();
  await Promise.all([servers.postgres.stop(), servers.redis.stop()]);
});

describe('A fleet of two replicas', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await startFleet(
      sandbox,
      {
        DATABASE_URL: await servers.postgres.createDatabase(),
        REDIS_URL: servers.redis.url,
        ...account,
        ...SCENARIO_SETTINGS,
      },
      [{}],
      [{}],
    );
  }, START_TIMEOUT_MS);
  afterAll(() => fleet.stop());

  const stopAndStart = (name: keyof Servers): (() => Outage) => {
    return () => ({ begin: () => servers[name].shutDown(), end: () => servers[name].restart() });
  };
  describe.each([
    ['PostgreSQL', stopAndStart('postgres')],
    ['Redis', stopAndStart('redis')],
  ])('while %s is stopped and after its restart', (_name, outage) => {
    itSurvivesOutage(() => fleet, outage);
  });
});

describe('A fleet of two replicas behind a faulty network', () => {
  let fleet: Fleet;
  let proxies: Proxies;

  beforeAll(async () => {
    const { postgres, redis } = servers;
    const [toPostgres, toRedis] = await Promise.all([
      startFlakyProxy(await postgres.createDatabase()),
      startFlakyProxy(redis.url),
    ]);
    proxies = { toPostgres, toRedis };
    fleet = await startFleet(
      sandbox,
      {
        DATABASE_URL: toPostgres.url,
        REDIS_URL: toRedis.url,
        ...account,
        ...SCENARIO_SETTINGS,
      },
      [{}],
      [{}],
    );
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    await fleet.stop();
    await Promise.all([proxies.toPostgres.close(), proxies.toRedis.close()]);
  });

  const freeze = (name: keyof Proxies, end: 'unfreeze' | 'abandonConnections'): (() => Outage) => {
    return () => ({
      begin: () => {
        proxies[name].freeze();
      },
      end: () => {
        proxies[name][end]();
      },
    });
  };
  describe.each([
    ['PostgreSQL does not respond and after it continues', freeze('toPostgres', 'unfreeze')],
    [
      'PostgreSQL does not respond and after it accepts new connections',
      freeze('toPostgres', 'abandonConnections'),
    ],
    [
      'Redis does not respond and after it accepts new connections',
      freeze('toRedis', 'abandonConnections'),
    ],
  ])('while %s', (_name, outage) => {
    itSurvivesOutage(() => fleet, outage);
  });
});

/** The tests for every kind of outage. */
function itSurvivesOutage(fleetOf: () => Fleet, outage: () => Outage): void {
  let fleet: Fleet;
  let result: OutageResult;

  beforeAll(async () => {
    fleet = fleetOf();
    result = await runOutage(fleet, outage());
  }, START_TIMEOUT_MS);

  /** The responses that match, without those of the health checks. */
  const filterResponses = (matches: (response: RecordedResponse) => boolean): RecordedResponse[] =>
    result.responses.filter((response) => response.operation !== 'live' && matches(response));

  it.each(OPERATIONS)('answers every %s during the outage with 503 and Retry-After', (name) => {
    const duringOutage = filterResponses(
      ({ operation, startedAt, endedAt }) =>
        operation === name && startedAt >= result.downFrom && endedAt <= result.downUntil,
    );
    expect(duringOutage.length).toBeGreaterThanOrEqual(fleet.replicas.length);
    duringOutage.forEach(({ response }) => {
      expectProblem(response, 503, 'storage_unavailable');
    });
  });

  it('answers every request within the deadline', () => {
    const late = filterResponses(({ startedAt, endedAt }) => endedAt - startedAt >= DEADLINE_MS);
    expect(late.map(summarize)).toEqual([]);
  });

  it('stays alive', () => {
    const missed = result.responses.filter(
      ({ operation, startedAt, endedAt, response }) =>
        operation === 'live' && (response.status !== 200 || endedAt - startedAt >= HEARTBEAT_MS),
    );
    expect(missed.map(summarize)).toEqual([]);
    fleet.replicas.forEach(({ output }) => {
      expect(output).not.toMatch(/uncaught|unhandled/i);
    });
  });

  it('recovers by itself within seconds', () => {
    const { downUntil, recoveredAt } = result;
    expect(recoveredAt - downUntil).toBeLessThan(RECOVERY_MS);
    const failed = filterResponses(
      ({ startedAt, response }) => startedAt >= recoveredAt && response.status >= 500,
    );
    expect(failed.map(summarize)).toEqual([]);
  });

  it('gives no wrong response before or after the outage', () => {
    for (const { responses, sawUnavailable } of result.flows) {
      const received = [
        ...responses.send.map(({ status, body }) => `send ${status} ${body.code ?? ''}`),
        ...responses.resend.map(({ status, body }) => `resend ${status} ${body.code ?? ''}`),
        ...responses.verify.map(({ body }) => `verify ${body.reason ?? body.verified}`),
      ];
      const expected = ['send 200 ', 'resend 200 ', 'resend 429 cooldown_active'];
      // Two clients verify the same code, so the second one gets already_verified.
      const verifications = ['verify true', 'verify already_verified'];
      // A retry after 503 may find the first request still in progress.
      const retried = ['send 409 request_in_progress', 'resend 409 request_in_progress'];
      expect([...expected, ...verifications, ...(sawUnavailable ? retried : [])]).toEqual(
        expect.arrayContaining(received),
      );
    }
  });

  it('sends no second message for one request', async () => {
    for (const { phoneNumber, responses, sawUnavailable } of result.flows) {
      const messages = (await fleet.getReceivedCodes(phoneNumber)).length;
      // A resend that got 503 may still have been sent.
      const resent = sawUnavailable || responses.resend.some(({ status }) => status === 200);
      expect(messages).toBeLessThanOrEqual(resent ? 2 : 1);
    }
  });

  it('verifies every code once', async () => {
    for (const { responses, sawUnavailable, isComplete } of result.flows) {
      const times = responses.verify.filter(({ body }) => body.verified === true).length;
      expect(times).toBeLessThanOrEqual(1);
      // The code was verified, even if the client got only a 503.
      if (!isComplete) continue;
      if (!sawUnavailable) expect(times).toBe(1);
      expect(responses.status.map(({ body }) => body.status)).toEqual(['verified']);
    }
  });

  it('keeps verifications, idempotency keys and limits from before the outage', async () => {
    const [, { http }] = fleet.replicas;
    const { unusedCode, usedCode, guessedCode, idempotencyKey, limitedNumber } = result.before;
    const verify = (pinId: string, otpCode: string) =>
      http.post('/otp/verify').send({ pinId, otpCode });
    const alreadyVerified = { verified: false, reason: 'already_verified' };

    await verify(unusedCode.pinId, unusedCode.code).expect(200, { verified: true });
    await verify(unusedCode.pinId, unusedCode.code).expect(200, alreadyVerified);
    await verify(usedCode.pinId, usedCode.code).expect(200, alreadyVerified);
    await verify(usedCode.pinId, usedCode.code)
      .set('idempotency-key', idempotencyKey)
      .expect(200, { verified: true })
      .expect('idempotency-replayed', 'true');
    const { body } = await verify(guessedCode.pinId, wrongCode(guessedCode.code)).expect(200);
    expect(body).toMatchObject({ reason: 'wrong_code', attemptsRemaining: 3 });
    const limited = await http.post('/otp/send').send({ phoneNumber: limitedNumber });
    expectProblem(limited, 429, 'quota_exceeded');
  });

  it('keeps the cooldown across replicas', async () => {
    for (const { responses } of result.flows) {
      const [sent, resent] = [...responses.send, ...responses.resend]
        .filter(({ status }) => status === 200)
        .map(({ body }) => Date.parse(body.resendAvailableAt));
      if (sent === undefined || resent === undefined) continue;
      expect(resent - sent).toBeGreaterThanOrEqual(COOLDOWN_MS - MAX_CLOCK_DIFFERENCE_MS);
    }
    const [one, other] = fleet.replicas;
    const send = { phoneNumber: newPhoneNumber() };
    await one.http.post('/otp/send').send(send).expect(200);
    expectProblem(await other.http.post('/otp/send').send(send), 429, 'cooldown_active');
  });
}

/** An answer, for a failed assertion to show. */
function summarize({ operation, startedAt, endedAt, response }: RecordedResponse): string {
  return `${operation}: ${response.status} ${response.text} in ${Math.round(endedAt - startedAt)} ms`;
}
