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
 * Two processes on one PostgreSQL and one Redis. Their provider accepts the right code in every call:
 * only the service itself prevents a second success.
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

  /** Accepts every send, resend and right code. */
  function lenientProvider(response: ServerResponse): void {
    const request = provider.requests.at(-1);
    const { to, pin } = JSON.parse(request?.body ?? '{}') as { to?: string; pin?: string };
    const [, pinId = '', operation] = /pin\/(\d+)\/(\w+)/.exec(request?.path ?? '') ?? [];
    const msisdn = to ?? pinId;
    const body =
      operation === 'verify'
        ? { msisdn, verified: pin === RIGHT, ...(pin !== RIGHT && { pinError: 'WRONG_PIN' }) }
        : { pinId: msisdn, to: msisdn, smsStatus: 'MESSAGE_SENT' };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  }

  function newNumber(): string {
    lastNumber += 1;
    return `+1415555${2000 + lastNumber}`;
  }

  /** Sends even requests to one replica, and odd ones to the other. */
  const post = (i: number, path: string, body: object, key?: string) => {
    const request = replicas[i % 2 === 0 ? 0 : 1].http.post(path);
    return (key === undefined ? request : request.set('idempotency-key', key)).send(body);
  };

  const runConcurrently = <T>(count: number, work: (i: number) => PromiseLike<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, i) => work(i)));

  async function send(phoneNumber: string): Promise<string> {
    const { body } = await post(0, '/otp/send', { phoneNumber }).expect(200);
    return body.pinId;
  }

  /** The provider calls since the start of the test whose path matches. */
  const countCalls = (operation: RegExp) =>
    provider.requests.filter(({ path }) => operation.test(path)).length;

  // This test fails without `isClaimable` of `verify` in verification-queries.ts.
  it('verify exactly one of two hundred concurrent right codes', async () => {
    const pinId = await send(newNumber());

    const responses = await runConcurrently(200, (i) =>
      post(i, '/otp/verify', { pinId, otpCode: RIGHT }),
    );

    expect(responses.filter(({ body }) => body.verified === true)).toHaveLength(1);
    expect(responses.every(({ status }) => status === 200)).toBe(true);
  });

  // This test fails without `attempts < max_attempts` of `reserveAttempt` in number-reservations.ts.
  it('check five of two hundred concurrent wrong codes, and reject the right one afterwards', async () => {
    const pinId = await send(newNumber());

    await runConcurrently(200, (i) => post(i, '/otp/verify', { pinId, otpCode: wrongCode(RIGHT) }));

    expect(countCalls(/verify/)).toBe(5);
    const { body } = await post(1, '/otp/verify', { pinId, otpCode: RIGHT });
    expect(body).toEqual({ verified: false, reason: 'attempts_exhausted' });
  });

  // This test fails without the `where` of `createAcquireQuery` in sliding-window.ts, if a wrong code does
  // not stay counted, and without `number_hash` of `reserveResend` in send.repository.ts.
  it('check only ten wrong codes of one number in an hour, over repeated sends and resends', async () => {
    const phoneNumber = newNumber();
    let pinId = '';
    for (let round = 0; round < 10; round += 1) {
      const isResend = round % 2 === 1;
      await repeatUntilTrue(async () => {
        const response = isResend
          ? await post(round, '/otp/resend', { pinId })
          : await post(round, '/otp/send', { phoneNumber });
        pinId = response.body.pinId ?? pinId;
        // Once the wrong codes are used up, no message is sent.
        return response.status === 200 || response.body.code === 'quota_exceeded';
      });
      // Rounds 0 to 3 submit two codes each. So each verification keeps one of its five attempts, and can be
      // resent. Then twenty codes compete for the last two of the number.
      await runConcurrently(round < 4 ? 2 : 20, (i) =>
        post(i, '/otp/verify', { pinId, otpCode: wrongCode(RIGHT) }),
      );
    }

    expect(countCalls(/verify/)).toBe(10);
    expect([countCalls(/pin\?/), countCalls(/resend/)]).toEqual([3, 2]);
  });

  // This test fails without the `where` of `createAcquireQuery` in sliding-window.ts.
  it('send one message for a hundred concurrent sends to one number', async () => {
    const phoneNumber = newNumber();

    const startedAt = Date.now();
    const responses = await runConcurrently(100, (i) => post(i, '/otp/send', { phoneNumber }));

    // On a busy machine the sends may take longer than a cooldown, which allows another message.
    const cooldowns = Math.floor((Date.now() - startedAt) / 1_000);
    const sent = responses.filter(({ status }) => status === 200).length;
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThanOrEqual(1 + cooldowns);
    expect(countCalls(/pin\?/)).toBe(sent);
  });

  // This test fails without the `on conflict` of `claim` in idempotency-key-queries.ts.
  it('send one message for a hundred concurrent sends with one key: the same response or 409', async () => {
    const phoneNumber = newNumber();

    const responses = await runConcurrently(100, (i) =>
      post(i, '/otp/send', { phoneNumber }, 'key'),
    );
    const later = await runConcurrently(100, (i) => post(i, '/otp/send', { phoneNumber }, 'key'));

    expect(countCalls(/pin\?/)).toBe(1);
    expect(responses.every(({ status }) => status === 200 || status === 409)).toBe(true);
    const succeeded = [...responses, ...later].filter(({ status }) => status === 200);
    expect(new Set(succeeded.map(({ text }) => text)).size).toBe(1);
    expect(later.every(({ status }) => status === 200)).toBe(true);
    const other = await post(1, '/otp/send', { phoneNumber: newNumber() }, 'key');
    expect(other.body.code).toBe('idempotency_key_reused');
  });

  it('replay a success for its idempotency key, and return already_verified without the key', async () => {
    const pinId = await send(newNumber());
    const body = { pinId, otpCode: RIGHT };
    await post(0, '/otp/verify', body, 'verify').expect(200, { verified: true });

    await post(1, '/otp/verify', body, 'verify').expect(200, { verified: true });
    await post(1, '/otp/verify', body).expect(200, { verified: false, reason: 'already_verified' });
  });
});

/** Repeats an action until it returns true. @throws Error after a minute */
async function repeatUntilTrue(action: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + minutes(1);
  while (!(await action())) {
    if (Date.now() > deadline) throw new Error('no success within a minute');
  }
}
