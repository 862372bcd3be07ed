import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { wrong } from '../support/codes.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';
import { forgivingAccount } from '../support/outage/account.js';
import { startFleet, type Fleet } from '../support/outage/fleet.js';
import { openLink, type Link } from '../support/outage/link.js';
import { newPhone, type Answered, type Call } from '../support/outage/load.js';
import {
  COOLDOWN_MS,
  liveThrough,
  STORY_SETTINGS,
  type Outage,
  type Story,
} from '../support/outage/story.js';
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
const CALLS: readonly Call[] = ['send', 'resend', 'verify', 'status'];

interface Servers {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
}

interface Links {
  readonly toPostgres: Link;
  readonly toRedis: Link;
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
  account = await forgivingAccount(sandbox);
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
        ...STORY_SETTINGS,
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
      openLink(await postgres.createDatabase()),
      openLink(redis.url),
    ]);
    links = { toPostgres, toRedis };
    fleet = await startFleet(
      sandbox,
      {
        DATABASE_URL: toPostgres.url,
        REDIS_URL: toRedis.url,
        ...account,
        ...STORY_SETTINGS,
      },
      [{}],
      [{}],
    );
  }, STARTING_MS);
  afterAll(async () => {
    await fleet.stop();
    await Promise.all([links.toPostgres.close(), links.toRedis.close()]);
  });

  const freeze = (name: keyof Links, end: 'thaw' | 'forget'): (() => Outage) => {
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
    ['PostgreSQL stands still, and after it went on,', freeze('toPostgres', 'thaw')],
    ['PostgreSQL stands still, and after it took new connections,', freeze('toPostgres', 'forget')],
    ['Redis stands still, and after it took new connections,', freeze('toRedis', 'forget')],
  ])('while %s', (_name, outage) => {
    itSurvives(() => fleet, outage);
  });
});

/** What any outage has to leave as it is. */
function itSurvives(fleetOf: () => Fleet, outage: () => Outage): void {
  let fleet: Fleet;
  let story: Story;

  beforeAll(async () => {
    fleet = fleetOf();
    story = await liveThrough(fleet, outage());
  }, STARTING_MS);

  /** Answers to a call (or to any but the heartbeat) that pass a test. */
  const answered = (which: (answer: Answered) => boolean): Answered[] =>
    story.answers.filter((answer) => answer.call !== 'live' && which(answer));

  it.each(CALLS)('answers every %s with 503 and when to ask again', (call) => {
    const away = answered(
      ({ askedAt, answeredAt, ...answer }) =>
        answer.call === call && askedAt >= story.awayFrom && answeredAt <= story.awayUntil,
    );
    expect(away.length).toBeGreaterThanOrEqual(fleet.replicas.length);
    away.forEach(({ response }) => {
      expectProblem(response, 503, 'storage_unavailable');
    });
  });

  it('answers everything in time', () => {
    const late = answered(({ askedAt, answeredAt }) => answeredAt - askedAt >= DEADLINE_MS);
    expect(late.map(summary)).toEqual([]);
  });

  it('stays alive', () => {
    const missed = story.answers.filter(
      ({ call, askedAt, answeredAt, response }) =>
        call === 'live' && (response.status !== 200 || answeredAt - askedAt >= HEARTBEAT_MS),
    );
    expect(missed.map(summary)).toEqual([]);
    fleet.replicas.forEach(({ output }) => {
      expect(output).not.toMatch(/uncaught|unhandled/i);
    });
  });

  it('is soon whole again, by itself', () => {
    const { awayUntil, wholeFrom } = story;
    expect(wholeFrom - awayUntil).toBeLessThan(RECOVERY_MS);
    const unwell = answered(
      ({ askedAt, response }) => askedAt >= wholeFrom && response.status >= 500,
    );
    expect(unwell.map(summary)).toEqual([]);
  });

  it('gives no wrong answer, before or after', () => {
    for (const { heard, troubled } of story.journeys) {
      const said = [
        ...heard.send.map(({ status, body }) => `send ${status} ${body.code ?? ''}`),
        ...heard.resend.map(({ status, body }) => `resend ${status} ${body.code ?? ''}`),
        ...heard.verify.map(({ body }) => `verify ${body.reason ?? body.verified}`),
      ];
      const usual = ['send 200 ', 'resend 200 ', 'resend 429 cooldown_active'];
      // Two callers have the right code, and one of them is too late.
      const verdicts = ['verify true', 'verify already_verified'];
      // A repeat after 503 may meet what its forerunner could not bring to an end.
      const repeated = ['send 409 request_in_progress', 'resend 409 request_in_progress'];
      expect([...usual, ...verdicts, ...(troubled ? repeated : [])]).toEqual(
        expect.arrayContaining(said),
      );
    }
  });

  it('texts nobody twice for one request', async () => {
    for (const { phoneNumber, heard, troubled } of story.journeys) {
      const texts = (await fleet.codesOf(phoneNumber)).length;
      // A resend that heard 503 may have been sent all the same.
      const resent = troubled || heard.resend.some(({ status }) => status === 200);
      expect(texts).toBeLessThanOrEqual(resent ? 2 : 1);
    }
  });

  it('verifies every code once', async () => {
    for (const { heard, troubled, complete } of story.journeys) {
      const times = heard.verify.filter(({ body }) => body.verified === true).length;
      expect(times).toBeLessThanOrEqual(1);
      // The right code was answered, if only in a 503.
      if (!complete) continue;
      if (!troubled) expect(times).toBe(1);
      expect(heard.status.map(({ body }) => body.status)).toEqual(['verified']);
    }
  });

  it('remembers what was before', async () => {
    const [, { http }] = fleet.replicas;
    const { unused, used, guessed, key, fullPhone } = story.kept;
    const verify = (pinId: string, otpCode: string) =>
      http.post('/otp/verify').send({ pinId, otpCode });
    const tooLate = { verified: false, reason: 'already_verified' };

    await verify(unused.pinId, unused.code).expect(200, { verified: true });
    await verify(unused.pinId, unused.code).expect(200, tooLate);
    await verify(used.pinId, used.code).expect(200, tooLate);
    await verify(used.pinId, used.code)
      .set('idempotency-key', key)
      .expect(200, { verified: true })
      .expect('idempotency-replayed', 'true');
    const { body } = await verify(guessed.pinId, wrong(guessed.code)).expect(200);
    expect(body).toMatchObject({ reason: 'wrong_code', attemptsRemaining: 3 });
    const full = await http.post('/otp/send').send({ phoneNumber: fullPhone });
    expectProblem(full, 429, 'quota_exceeded');
  });

  it('keeps the cooldown', async () => {
    for (const { heard } of story.journeys) {
      const [sent, resent] = [...heard.send, ...heard.resend]
        .filter(({ status }) => status === 200)
        .map(({ body }) => Date.parse(body.resendAvailableAt));
      if (sent === undefined || resent === undefined) continue;
      expect(resent - sent).toBeGreaterThanOrEqual(COOLDOWN_MS - APART_MS);
    }
    const [one, other] = fleet.replicas;
    const send = { phoneNumber: newPhone() };
    await one.http.post('/otp/send').send(send).expect(200);
    expectProblem(await other.http.post('/otp/send').send(send), 429, 'cooldown_active');
  });
}

/** An answer, for a failed assertion to show. */
function summary({ call, askedAt, answeredAt, response }: Answered): string {
  return `${call}: ${response.status} ${response.text} in ${Math.round(answeredAt - askedAt)} ms`;
}
