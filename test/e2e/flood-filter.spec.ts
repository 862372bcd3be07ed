import { hours, minutes, seconds } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { FakeClock } from '../support/fake-clock.js';
import { expectProblem } from '../support/problem.js';
import { callSandbox } from '../support/sandbox-calls.js';
import { startService, type RunningService } from '../support/service.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';

const NUMBER = '+14155552671';
const keys = ['anna', 'bert', 'carl', 'dora'].map(newApiKey);

describe.each(['SQLite', 'PostgreSQL'])('The flood filter of Infobip on %s', (database) => {
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
    // The sandbox dropped no message silently: the service rejected those that it would have dropped.
    expect(await readSandbox('rejected-messages')).toEqual([]);
    await service.close();
    await sandbox.close();
  });

  afterAll(() => postgres?.stop());

  async function start(settings: NodeJS.ProcessEnv = {}): Promise<void> {
    service = await startService(
      {
        INFOBIP_BASE_URL: sandbox.url,
        SINCH_BASE_URL: sandbox.url,
        API_KEYS: keys.map(({ entry }) => entry).join(','),
        PUMPING_GUARD: 'off',
        THROTTLE_SEND_LIMIT: '1000',
        ...(postgres && { DATABASE_URL: await postgres.createDatabase() }),
        ...settings,
      },
      clock,
    );
  }

  /** @param client the index in `keys` */
  const post = (path: string, body: object, client = 0) =>
    createClientAgent(service.url, keys[client]?.key ?? '')
      .post(`/otp/${path}`)
      .send(body);
  const send = (client = 0, channel = 'sms') =>
    post('send', { phoneNumber: NUMBER, channel }, client);
  const resend = (pinId: string, channel = 'sms') => post('resend', { pinId, channel });

  async function readSandbox<T>(list: 'messages' | 'rejected-messages'): Promise<T[]> {
    return (await callSandbox(sandbox.url, 'GET', list)) as T[];
  }
  const readTexts = async () =>
    (await readSandbox<{ text: string }>('messages')).map(({ text }) => text);
  const planFault = (fault: object) => callSandbox(sandbox.url, 'PUT', 'faults', fault);
  const getLoggedLimits = () => service.log.events('request').flatMap(({ limit }) => limit ?? []);

  /** Sends new codes, each after the cooldown. @returns the pinId of the last one */
  async function sendCodes(count: number, client = 0): Promise<string> {
    let pinId = '';
    for (let i = 0; i < count; i += 1) {
      pinId = (await send(client).expect(200)).body.pinId;
      clock.advance(seconds(30));
    }
    return pinId;
  }

  /** Sends a code again, each time after the cooldown. */
  async function resendCode(pinId: string, count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      await resend(pinId).expect(200);
      clock.advance(seconds(30));
    }
  }

  /** Expects that a new code is accepted after this time, and not a second earlier. */
  async function expectNewCodeAfter(waitMs: number): Promise<void> {
    clock.advance(waitMs - seconds(1));
    expect((await send()).status).toBe(429);
    clock.advance(seconds(1));
    await send().expect(200);
  }

  // This test fails without `isDropped` in send.repository.ts.
  it('lets a code through six times: the next resends are rejected, and a new code is sent', async () => {
    await start({ SENDS_PER_NUMBER_PER_DAY: '11' });
    const pinId = await sendCodes(1);
    const statuses: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      const response = await resend(pinId);
      statuses.push(response.status);
      if (response.status !== 200) {
        expectProblem(response, 429, 'resend_limit_reached');
        expect(response.body.detail).toMatch(/Send a new code after the time in `Retry-After`\.$/);
        // A new code can be sent at once.
        expect(response.headers['retry-after']).toBe('1');
      }
      clock.advance(seconds(30));
    }

    expect(statuses).toEqual([...Array(5).fill(200), ...Array(4).fill(429)]);
    expect(await readTexts()).toHaveLength(6);
    expect(new Set(await readTexts()).size).toBe(1);
    expect(getLoggedLimits()).toEqual(Array(4).fill('same_code'));
    await send().expect(200);
    expect(new Set(await readTexts()).size).toBe(2);
  });

  // This test fails without `toSameCodeLimit` in send.repository.ts.
  it.each([
    // The last of six messages was sent 10 seconds ago, and the first one 160 seconds ago.
    ['the cooldown', {}, seconds(20)],
    ['the limit of a day', { SENDS_PER_NUMBER_PER_DAY: '6' }, hours(24) - seconds(160)],
  ])('makes a client wait for a new code while %s lasts', async (_limit, settings, waitMs) => {
    await start(settings);
    const pinId = await sendCodes(1);
    await resendCode(pinId, 4);
    await resend(pinId).expect(200);
    clock.advance(seconds(10));

    const rejected = await resend(pinId);

    expectProblem(rejected, 429, 'resend_limit_reached');
    expect(rejected.headers['retry-after']).toBe(String(waitMs / seconds(1)));
    await expectNewCodeAfter(waitMs);
  });

  it('does not limit calls', async () => {
    await start();
    const pinId = await sendCodes(1);
    await resendCode(pinId, 5);

    expectProblem(await resend(pinId), 429, 'resend_limit_reached');
    await resend(pinId, 'voice').expect(200);
  });

  // This test fails if send-outcome.repository.ts releases a message that may have been sent.
  it('counts messages that may have been sent', async () => {
    await start();
    const pinId = await sendCodes(1);
    await resendCode(pinId, 3);
    for (let i = 0; i < 2; i += 1) {
      await planFault({ operation: 'resend', kind: 'drop', performed: true });
      expectProblem(await resend(pinId), 502, 'provider_error');
      clock.advance(seconds(30));
    }
    expect(await readTexts()).toHaveLength(6);

    expectProblem(await resend(pinId), 429, 'resend_limit_reached');
  });

  it('does not count messages that were certainly not sent', async () => {
    await start();
    const pinId = await sendCodes(1);
    await resendCode(pinId, 4);
    await planFault({ operation: 'resend', kind: 'no-credit' });
    expectProblem(await resend(pinId), 502, 'provider_error');

    await resend(pinId).expect(200);
    expect(await readTexts()).toHaveLength(6);
  });

  // This test fails if send.repository.ts applies the flood filter whatever `row.provider` is.
  it('does not limit Sinch, whose every message has a new code', async () => {
    await start({ PROVIDERS: 'infobip,sinch', SENDS_PER_NUMBER_PER_DAY: '20' });
    const pinId = await sendCodes(1);
    await resendCode(pinId, 4);
    await planFault({ operation: 'resend', kind: 'throttled', provider: 'infobip' });
    await resendCode(pinId, 3);
    const providers = await readSandbox<{ provider: string }>('messages');
    expect(providers.filter(({ provider }) => provider === 'sinch')).toHaveLength(3);

    // Infobip sends again, with a new code.
    await planFault({ operation: 'send', kind: 'throttled', provider: 'sinch' });
    await resend(pinId).expect(200);
    // Two codes of Sinch are equal by chance in one of 10,000 runs, so only Infobip's are compared.
    const messages = await readSandbox<{ provider: string; text: string }>('messages');
    const sentByInfobip = messages.filter(({ provider }) => provider === 'infobip');
    expect(new Set(sentByInfobip.map(({ text }) => text)).size).toBe(2);
  });

  // This test fails without `passesFloodFilter` in send-requirements.ts.
  it('lets twenty messages to a number through in an hour', async () => {
    await start({ SENDS_PER_NUMBER_PER_DAY: '30' });
    await sendCodes(19);
    const pinId = await sendCodes(1);

    // The service counts a minute more than an hour. The first of the twenty was sent 10 minutes ago.
    const waitMs = minutes(61) - 20 * seconds(30);
    for (const rejected of [await send(), await resend(pinId)]) {
      expectProblem(rejected, 429, 'quota_exceeded');
      expect(rejected.body.detail).toMatch(/^The provider delivers no more messages to this/);
      expect(rejected.headers['retry-after']).toBe(String(waitMs / seconds(1)));
    }
    expect(getLoggedLimits()).toEqual(['flood_filter', 'flood_filter']);
    expect(await readTexts()).toHaveLength(20);
    await expectNewCodeAfter(waitMs);
  });

  // This test fails without `passesFloodFilter` in send-requirements.ts, and without `findSharedCause` in
  // number-limit-finder.ts.
  it('counts the messages of all clients, and tells no client about the others', async () => {
    await start();
    await sendCodes(10, 0);
    await sendCodes(5, 1);
    await sendCodes(5, 2);

    const rejected = await send(3);
    expectProblem(rejected, 429, 'quota_exceeded');
    expect(rejected.body.detail).toMatch(/^A limit that all clients of this service share/);
    expect(rejected.headers['retry-after']).toBe('3600');
    expect(getLoggedLimits()).toEqual(['shared_flood_filter']);
    await send(3, 'voice').expect(200);

    clock.advance(hours(1));
    await send(3).expect(200);
  });

  it('does not limit messages to a number by Sinch alone', async () => {
    await start({ PROVIDERS: 'sinch', SENDS_PER_NUMBER_PER_DAY: '30' });

    await sendCodes(22);
    expect(await readTexts()).toHaveLength(22);
  });
});
