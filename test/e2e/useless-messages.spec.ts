import type { Response } from 'supertest';
import { hours, minutes, seconds } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { FakeClock } from '../support/fake-clock.js';
import { expectProblem } from '../support/problem.js';
import { callSandbox, readCodes } from '../support/sandbox-calls.js';
import { startService, type RunningService } from '../support/service.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { wrongCode } from '../support/wrong-code.js';

const NUMBER = '+14155552671';
const TEST_NUMBER = '+14155552999';
const shop = newApiKey('shop');
const bank = newApiKey('bank');
type ApiKey = typeof shop;

describe.each(['SQLite', 'PostgreSQL'])('A message whose code is of no use (%s)', (database) => {
  let postgres: PostgresServer | undefined;
  let clock: FakeClock;
  let sandbox: Sandbox;
  let service: RunningService;

  beforeAll(async () => {
    if (database === 'PostgreSQL') postgres = await startPostgres();
  });

  beforeEach(async () => {
    clock = new FakeClock();
    sandbox = await startSandbox({ port: 0, now: () => clock.now() });
  });

  afterEach(async () => {
    await service.close();
    await sandbox.close();
  });

  afterAll(() => postgres?.stop());

  async function start(settings: NodeJS.ProcessEnv = {}): Promise<void> {
    service = await startService(
      {
        INFOBIP_BASE_URL: sandbox.url,
        API_KEYS: `${shop.entry},${bank.entry}`,
        ...(postgres && { DATABASE_URL: await postgres.createDatabase() }),
        ...settings,
      },
      clock,
    );
  }

  const post = (path: string, body: object, { key }: ApiKey = shop) =>
    createClientAgent(service.url, key).post(`/otp/${path}`).send(body);
  const send = (client = shop, phoneNumber = NUMBER) => post('send', { phoneNumber }, client);
  const resend = (pinId: string, client = shop) => post('resend', { pinId }, client);
  const verify = (pinId: string, otpCode: string, client = shop) =>
    post('verify', { pinId, otpCode }, client);

  const readAllCodes = () => readCodes(sandbox.url, NUMBER);

  /** Sends a code. @returns its verification and the right code */
  async function sendCode(client = shop) {
    const { body } = await send(client).expect(200);
    const [code = ''] = await readAllCodes();
    return { pinId: String(body.pinId), code };
  }

  /** Sends a code and submits wrong ones. @returns the verification and the right code */
  async function submitWrongCodes(count: number, client = shop) {
    const sent = await sendCode(client);
    for (let i = 0; i < count; i += 1)
      await verify(sent.pinId, wrongCode(sent.code), client).expect(200);
    return sent;
  }

  /** Runs a request that must be rejected before the provider is called. */
  async function withoutProviderCall(request: () => PromiseLike<Response>): Promise<Response> {
    const codes = await readAllCodes();
    for (const operation of ['send', 'resend'])
      await callSandbox(sandbox.url, 'PUT', 'faults', { operation, kind: 'server-error' });
    const response = await request();
    // Both faults are still planned: a call to the provider would have used one up.
    expect(await callSandbox(sandbox.url, 'GET', 'faults')).toHaveLength(2);
    await callSandbox(sandbox.url, 'DELETE', 'faults');
    expect(await readAllCodes()).toEqual(codes);
    return response;
  }

  const getLoggedLimits = () => service.log.events('request').flatMap(({ limit }) => limit ?? []);

  // This test fails without `isCodeCheckable` in number-reservations.ts.
  it('is not sent while the limit of wrong codes for its number lasts longer than the code is valid', async () => {
    await start({ FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '5' });
    await submitWrongCodes(5);
    clock.advance(hours(1) - minutes(5));

    const rejected = await withoutProviderCall(send);
    expectProblem(rejected, 429, 'quota_exceeded');
    expect(rejected.body.detail).toMatch(/^Too many wrong codes were submitted for this number/);
    expect(rejected.headers['retry-after']).toBe(String(minutes(5) / seconds(1)));
    expect(getLoggedLimits()).toEqual(['failures']);

    clock.advance(minutes(5));
    const { pinId, code } = await sendCode();
    expect((await verify(pinId, code)).body).toEqual({ verified: true });
  });

  // This test fails if number-limit-finder.ts or `isCodeCheckable` compares with another time than the
  // expiry of the code.
  it('is sent as soon as its code can be verified before it expires', async () => {
    await start({ FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '5' });
    await submitWrongCodes(5);
    clock.advance(hours(1) - minutes(4));

    const { pinId, code } = await sendCode();
    expectProblem(await send(), 429, 'cooldown_active');
    expectProblem(await verify(pinId, code), 429, 'quota_exceeded');
    clock.advance(minutes(4));
    expect((await verify(pinId, code)).body).toEqual({ verified: true });
  });

  // This test fails without `isCodeCheckable` in number-reservations.ts.
  it('is not sent after twenty wrong codes for its number in a day', async () => {
    await start({ SENDS_PER_NUMBER_PER_DAY: '100' });
    for (let i = 0; i < 4; i += 1) {
      await submitWrongCodes(5);
      clock.advance(hours(2));
    }

    const rejected = await withoutProviderCall(send);
    expectProblem(rejected, 429, 'quota_exceeded');
    // The first wrong codes were submitted 8 hours ago.
    expect(rejected.headers['retry-after']).toBe(String(hours(16) / seconds(1)));
    clock.advance(hours(16));
    await send().expect(200);
  });

  // This test fails without `isCodeCheckable` in number-reservations.ts.
  it('is not resent if its code can no longer be verified', async () => {
    await start({ FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '3' });
    const { pinId, code } = await submitWrongCodes(3);
    expectProblem(await verify(pinId, code), 429, 'quota_exceeded');
    clock.advance(seconds(30));

    const rejected = await withoutProviderCall(() => resend(pinId));
    expectProblem(rejected, 429, 'quota_exceeded');
    expect(rejected.headers['retry-after']).toBe(String((hours(1) - seconds(30)) / seconds(1)));
    expect(getLoggedLimits()).toEqual(['failures', 'failures']);
  });

  // This test fails without `isFirstCode` in send-requirements.ts, and without `findSharedCause` in
  // number-limit-finder.ts.
  it('is not resent if all clients together have used up the wrong codes, unless no code was submitted for it yet', async () => {
    await start({ FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '4' });
    await submitWrongCodes(1, bank);
    const { pinId, code } = await submitWrongCodes(2);
    expectProblem(await verify(pinId, code), 429, 'quota_exceeded');
    clock.advance(seconds(30));

    const rejected = await withoutProviderCall(() => resend(pinId));
    expectProblem(rejected, 429, 'quota_exceeded');
    expect(rejected.body.detail).toMatch(/^A limit that all clients of this service share/);
    expect(rejected.headers['retry-after']).toBe('3600');
    expect(getLoggedLimits()).toEqual(['shared_failures', 'shared_failures']);

    const untouched = await sendCode();
    clock.advance(seconds(30));
    await resend(untouched.pinId).expect(200);
    expect((await verify(untouched.pinId, untouched.code)).body).toEqual({ verified: true });
  });

  it('is still sent to a test number, which costs nothing', async () => {
    const TEST_NUMBERS = `${TEST_NUMBER}:123456@2030-12-31`;
    await start({ FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '2', TEST_NUMBERS });
    const { body } = await send(shop, TEST_NUMBER).expect(200);
    for (let i = 0; i < 2; i += 1) await verify(body.pinId, '000000').expect(200);
    expectProblem(await verify(body.pinId, '123456'), 429, 'quota_exceeded');

    await resend(body.pinId).expect(200);
    await send(shop, TEST_NUMBER).expect(200);
  });

  // This test fails without `getResendMarginMs` in send.repository.ts.
  it.each([
    ['5m', minutes(5), seconds(30)],
    ['20s', seconds(20), seconds(10)],
  ])(
    'is not resent shortly before the code expires, with OTP_TTL=%s',
    async (OTP_TTL, ttlMs, marginMs) => {
      await start({ OTP_TTL, SEND_COOLDOWN: '1s' });
      const { pinId, code } = await sendCode();
      clock.advance(ttlMs - marginMs);
      await resend(pinId).expect(200);
      clock.advance(seconds(1));

      const rejected = await withoutProviderCall(() => resend(pinId));
      expectProblem(rejected, 409, 'not_resendable');
      expect(rejected.body.detail).toBe(
        'The code expires too soon to be sent again. Send a new code.',
      );
      expect((await verify(pinId, code)).body).toEqual({ verified: true });
      const verified = await resend(pinId);
      expect(verified.body.detail).toBe('The verification is no longer pending. Send a new code.');
    },
  );
});
