import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { wrongCode } from '../support/wrong-code.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';
import { createUnlimitedAccount } from '../support/outage/unlimited-account.js';
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
import { scaled } from '../support/time-scale.js';

/** PROVIDER_TIMEOUT's default: a caller waits at least as long for any answer. */
const DEADLINE_MS = scaled(5_000);
const RECOVERY_MS = scaled(5_000);
/** For `/health/live`, which waits for nothing but the process. */
const HEARTBEAT_MS = scaled(2_000);
const STARTING_MS = 60_000;
/** How far the times of two replicas may be apart: they read the database's over a network. */
const APART_MS = 100;
const CALLS: readonly Operation[] = ['send', 'resend', 'verify', 'status'];

interface Servers {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
}

interface Links {
  readonly toPostgres: FlakyProxy;
  readonly toRedis: FlakyProxy;
}

let sandbox: Sandbox;
let account: NodeJS.ProcessEnv;
let servers: Servers;

beforeAll(async () => {
  const [postgres, redis] = await Promise.all([
    startPostgres({ fresh: true }),
    startRedis({ fresh: true }),
  ]);
  servers = { postgres, redis };
  sandbox = await startSandbox({ port: 0 });
  account = await createUnlimitedAccount(sandbox);
}, STARTING_MS);

afterAll(async () => {
  await sandbox.close();
  await Promise.all([servers.postgres.stop(), servers.redis.stop()]);
});

describe('A fleet of two', () => {
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
  }, STARTING_MS);
  afterAll(() => fleet.stop());

  const stopAndStart = (name: keyof Servers): (() => Outage) => {
    return () => ({ begin: () => servers[name].pause(), end: () => servers[name].resume() });
  };
  describe.each([
    ['PostgreSQL', stopAndStart('postgres')],
    ['Redis', stopAndStart('redis')],
  ])('while %s is stopped, and after it was started again,', (_name, outage) => {
    itSurvives(() => fleet, outage);
  });
});

describe('A fleet of two, far from its servers,', () => {
  let fleet: Fleet;
  let links: Links;

  beforeAll(async () => {
    const { postgres, redis } = servers;
    const [toPostgres, toRedis] = await Promise.all([
      startFlakyProxy(await postgres.createDatabase()),
      startFlakyProxy(redis.url),
    ]);
    links = { toPostgres, toRedis };
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
  }, STARTING_MS);
  afterAll(async () => {
    await fleet.stop();
    await Promise.all([links.toPostgres.close(), links.toRedis.close()]);
  });

  const freeze = (name: keyof Links, end: 'unfreeze' | 'abandonConnections'): (() => Outage) => {
    return () => ({
      begin: () => {
        links[name].freeze();
      },
      end: () => {
        links[name][end]();
      },
    });
  };
  describe.each([
    ['PostgreSQL stands still, and after it went on,', freeze('toPostgres', 'unfreeze')],
    [
      'PostgreSQL stands still, and after it took new connections,',
      freeze('toPostgres', 'abandonConnections'),
    ],
    [
      'Redis stands still, and after it took new connections,',
      freeze('toRedis', 'abandonConnections'),
    ],
  ])('while %s', (_name, outage) => {
    itSurvives(() => fleet, outage);
  });
});

/** What any outage has to leave as it is. */
function itSurvives(fleetOf: () => Fleet, outage: () => Outage): void {
  let fleet: Fleet;
  let story: OutageResult;

  beforeAll(async () => {
    fleet = fleetOf();
    story = await runOutage(fleet, outage());
  }, STARTING_MS);

  /** Answers to a call (or to any but the heartbeat) that pass a test. */
  const answered = (which: (answer: RecordedResponse) => boolean): RecordedResponse[] =>
    story.responses.filter((answer) => answer.operation !== 'live' && which(answer));

  it.each(CALLS)('answers every %s with 503 and when to ask again', (call) => {
    const away = answered(
      ({ startedAt, endedAt, ...answer }) =>
        answer.operation === call && startedAt >= story.downFrom && endedAt <= story.downUntil,
    );
    expect(away.length).toBeGreaterThanOrEqual(fleet.replicas.length);
    away.forEach(({ response }) => {
      expectProblem(response, 503, 'storage_unavailable');
    });
  });

  it('answers everything in time', () => {
    const late = answered(({ startedAt, endedAt }) => endedAt - startedAt >= DEADLINE_MS);
    expect(late.map(summary)).toEqual([]);
  });

  it('stays alive', () => {
    const missed = story.responses.filter(
      ({ operation, startedAt, endedAt, response }) =>
        operation === 'live' && (response.status !== 200 || endedAt - startedAt >= HEARTBEAT_MS),
    );
    expect(missed.map(summary)).toEqual([]);
    fleet.replicas.forEach(({ output }) => {
      expect(output).not.toMatch(/uncaught|unhandled/i);
    });
  });

  it('is soon whole again, by itself', () => {
    const { downUntil, recoveredAt } = story;
    expect(recoveredAt - downUntil).toBeLessThan(RECOVERY_MS);
    const unwell = answered(
      ({ startedAt, response }) => startedAt >= recoveredAt && response.status >= 500,
    );
    expect(unwell.map(summary)).toEqual([]);
  });

  it('gives no wrong answer, before or after', () => {
    for (const { responses, sawUnavailable } of story.flows) {
      const said = [
        ...responses.send.map(({ status, body }) => `send ${status} ${body.code ?? ''}`),
        ...responses.resend.map(({ status, body }) => `resend ${status} ${body.code ?? ''}`),
        ...responses.verify.map(({ body }) => `verify ${body.reason ?? body.verified}`),
      ];
      const usual = ['send 200 ', 'resend 200 ', 'resend 429 cooldown_active'];
      // Two callers have the right code, and one of them is too late.
      const verdicts = ['verify true', 'verify already_verified'];
      // A repeat after 503 may meet what its forerunner could not bring to an end.
      const repeated = ['send 409 request_in_progress', 'resend 409 request_in_progress'];
      expect([...usual, ...verdicts, ...(sawUnavailable ? repeated : [])]).toEqual(
        expect.arrayContaining(said),
      );
    }
  });

  it('texts nobody twice for one request', async () => {
    for (const { phoneNumber, responses, sawUnavailable } of story.flows) {
      const texts = (await fleet.codesOf(phoneNumber)).length;
      // A resend that heard 503 may have been sent all the same.
      const resent = sawUnavailable || responses.resend.some(({ status }) => status === 200);
      expect(texts).toBeLessThanOrEqual(resent ? 2 : 1);
    }
  });

  it('verifies every code once', async () => {
    for (const { responses, sawUnavailable, isComplete } of story.flows) {
      const times = responses.verify.filter(({ body }) => body.verified === true).length;
      expect(times).toBeLessThanOrEqual(1);
      // The right code was answered, if only in a 503.
      if (!isComplete) continue;
      if (!sawUnavailable) expect(times).toBe(1);
      expect(responses.status.map(({ body }) => body.status)).toEqual(['verified']);
    }
  });

  it('remembers what was before', async () => {
    const [, { http }] = fleet.replicas;
    const { unusedCode, usedCode, guessedCode, idempotencyKey, limitedNumber } = story.before;
    const verify = (pinId: string, otpCode: string) =>
      http.post('/otp/verify').send({ pinId, otpCode });
    const tooLate = { verified: false, reason: 'already_verified' };

    await verify(unusedCode.pinId, unusedCode.code).expect(200, { verified: true });
    await verify(unusedCode.pinId, unusedCode.code).expect(200, tooLate);
    await verify(usedCode.pinId, usedCode.code).expect(200, tooLate);
    await verify(usedCode.pinId, usedCode.code)
      .set('idempotency-key', idempotencyKey)
      .expect(200, { verified: true })
      .expect('idempotency-replayed', 'true');
    const { body } = await verify(guessedCode.pinId, wrongCode(guessedCode.code)).expect(200);
    expect(body).toMatchObject({ reason: 'wrong_code', attemptsRemaining: 3 });
    const full = await http.post('/otp/send').send({ phoneNumber: limitedNumber });
    expectProblem(full, 429, 'quota_exceeded');
  });

  it('keeps the cooldown', async () => {
    for (const { responses } of story.flows) {
      const [sent, resent] = [...responses.send, ...responses.resend]
        .filter(({ status }) => status === 200)
        .map(({ body }) => Date.parse(body.resendAvailableAt));
      if (sent === undefined || resent === undefined) continue;
      expect(resent - sent).toBeGreaterThanOrEqual(COOLDOWN_MS - APART_MS);
    }
    const [one, other] = fleet.replicas;
    const send = { phoneNumber: newPhoneNumber() };
    await one.http.post('/otp/send').send(send).expect(200);
    expectProblem(await other.http.post('/otp/send').send(send), 429, 'cooldown_active');
  });
}

/** An answer, for a failed assertion to show. */
function summary({ operation, startedAt, endedAt, response }: RecordedResponse): string {
  return `${operation}: ${response.status} ${response.text} in ${Math.round(endedAt - startedAt)} ms`;
}
