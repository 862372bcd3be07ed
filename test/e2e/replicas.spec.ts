import type { ServerResponse } from 'node:http';
import { minutes } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { wrongCode } from '../support/wrong-code.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';
import { startReplica, type Replica } from '../support/replica.js';
import { startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.js';

jest.setTimeout(minutes(1));

/**
 * Two processes on one PostgreSQL and one Redis. The provider in between says yes to every right
 * code, as often as it is asked: what is exact here is exact by our own doing.
 */
describe('Two replicas', () => {
  let postgres: PostgresServer;
  let redis: RedisServer;
  let provider: ScriptedUpstream;
  let sandbox: Sandbox;
  let replicas: [Replica, Replica];
  let lastNumber = 0;

  beforeAll(async () => {
    [postgres, redis, provider, sandbox] = await Promise.all([
      startPostgres(),
      startRedis(),
      startScriptedUpstream(),
      startSandbox({ port: 0 }),
    ]);
    provider.answer(lenientProvider);
    const settings = {
      DATABASE_URL: await postgres.createDatabase(),
      REDIS_URL: redis.url,
      INFOBIP_BASE_URL: provider.url,
      SEND_COOLDOWN: '1s',
      SENDS_PER_NUMBER_PER_DAY: '100',
    };
    replicas = await Promise.all([startReplica(settings), startReplica(settings)]);
  });

  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await Promise.all([postgres.stop(), redis.stop(), provider.close(), sandbox.close()]);
  });

  beforeEach(() => {
    provider.requests.length = 0;
  });

  const RIGHT = '407193';

  /** Takes every send; judges codes by the number in the handle it gave. */
  function lenientProvider(response: ServerResponse): void {
    const request = provider.requests.at(-1);
    const { to, pin } = JSON.parse(request?.body ?? '{}') as { to?: string; pin?: string };
    const msisdn = to ?? /pin\/(\d+)/.exec(request?.path ?? '')?.[1] ?? '';
    const answer =
      to === undefined
        ? { msisdn, verified: pin === RIGHT, ...(pin !== RIGHT && { pinError: 'WRONG_PIN' }) }
        : { pinId: to, to, smsStatus: 'MESSAGE_SENT' };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  }

  function newNumber(): string {
    lastNumber += 1;
    return `+1415555${2000 + lastNumber}`;
  }

  const on = (i: number) => replicas[i % 2 === 0 ? 0 : 1].http;

  const post = (i: number, path: string, body: object, key?: string) => {
    const request = on(i).post(path);
    return (key === undefined ? request : request.set('idempotency-key', key)).send(body);
  };

  const times = <T>(count: number, work: (i: number) => PromiseLike<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, i) => work(i)));

  async function send(phoneNumber: string): Promise<string> {
    const { body } = await post(0, '/otp/send', { phoneNumber }).expect(200);
    return body.pinId;
  }

  const asked = (operation: RegExp) =>
    provider.requests.filter(({ path }) => operation.test(path)).length;

  // verification-queries.ts, verify: `status = pending`
  it('open one door for two hundred right codes at a time', async () => {
    const pinId = await send(newNumber());

    const answers = await times(200, (i) => post(i, '/otp/verify', { pinId, otpCode: RIGHT }));

    expect(answers.filter(({ body }) => body.verified === true)).toHaveLength(1);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });

  // verification-queries.ts, reserveAttempt: `attempts < max_attempts`
  it('ask about five of two hundred wrong codes, and refuse the right one afterwards', async () => {
    const pinId = await send(newNumber());

    await times(200, (i) => post(i, '/otp/verify', { pinId, otpCode: wrongCode(RIGHT) }));

    expect(asked(/verify/)).toBe(5);
    const { body } = await post(1, '/otp/verify', { pinId, otpCode: RIGHT });
    expect(body).toEqual({ verified: false, reason: 'attempts_exhausted' });
  });

  // number-limits.ts, the first `where` of prepareTake; settle must not forgive a wrong code
  it('ask about ten wrong codes of one number an hour, over ten sends and resends', async () => {
    const phoneNumber = newNumber();
    for (let round = 0; round < 10; round += 1) {
      let pinId = '';
      await until(async () => {
        const path = round % 2 === 0 || pinId === '' ? '/otp/send' : '/otp/resend';
        const answer = await post(round, path, path === '/otp/send' ? { phoneNumber } : { pinId });
        pinId = answer.body.pinId ?? pinId;
        return answer.status === 200;
      });
      await times(20, (i) => post(i, '/otp/verify', { pinId, otpCode: wrongCode(RIGHT) }));
    }

    expect(asked(/verify/)).toBe(10);
  });

  // number-limits.ts, the first `where` of prepareTake
  it('make one text of a hundred sends to one number', async () => {
    const phoneNumber = newNumber();

    const began = Date.now();
    const answers = await times(100, (i) => post(i, '/otp/send', { phoneNumber }));

    // One; another only for each cooldown that all of this takes on a busy machine.
    const cooldowns = Math.floor((Date.now() - began) / 1_000);
    const sent = answers.filter(({ status }) => status === 200).length;
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThanOrEqual(1 + cooldowns);
    expect(asked(/pin\?/)).toBe(sent);
  });

  // idempotency-keys.ts, claim: onConflict
  it('make one text of a hundred sends with one key, answered alike or told to wait', async () => {
    const phoneNumber = newNumber();

    const answers = await times(100, (i) => post(i, '/otp/send', { phoneNumber }, 'key'));
    const later = await times(100, (i) => post(i, '/otp/send', { phoneNumber }, 'key'));

    expect(asked(/pin\?/)).toBe(1);
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
    const taken = [...answers, ...later].filter(({ status }) => status === 200);
    expect(new Set(taken.map(({ text }) => text)).size).toBe(1);
    expect(later.every(({ status }) => status === 200)).toBe(true);
    const other = await post(1, '/otp/send', { phoneNumber: newNumber() }, 'key');
    expect(other.body.code).toBe('idempotency_key_reused');
  });

  it('repeat a success for its key, and say “already verified” without one', async () => {
    const pinId = await send(newNumber());
    const body = { pinId, otpCode: RIGHT };
    await post(0, '/otp/verify', body, 'verify').expect(200, { verified: true });

    await post(1, '/otp/verify', body, 'verify').expect(200, { verified: true });
    await post(1, '/otp/verify', body).expect(200, { verified: false, reason: 'already_verified' });
  });
});

/** Tries again until it works, for what has to wait for real time. */
async function until(works: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + minutes(1);
  while (!(await works())) {
    if (Date.now() > deadline) throw new Error('it never worked');
  }
}
