import type { Agent, Response } from 'supertest';
import { minutes, seconds } from '../../src/common/durations.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { wrongCode } from '../support/wrong-code.js';

const NUMBER = '+14155552671';
const OTHER_NUMBER = '+14155562671';
const END_USER = '203.0.113.7';

const keys = { shop: newApiKey('shop'), attacker: newApiKey('attacker') };

/*
 * By default, a number gets 10 messages a day and may have 10 wrong codes an hour. While another
 * client has used these up, each client still has its CLIENT_SHARE_PER_NUMBER of them: half.
 */
describe('An attacker with an API key of its own', () => {
  let service: SandboxedService;
  let shop: Agent;
  let attacker: Agent;

  afterEach(() => service.close());

  async function start(settings: NodeJS.ProcessEnv = {}): Promise<void> {
    service = await startSandboxedService({
      API_KEYS: `${keys.shop.entry},${keys.attacker.entry}`,
      THROTTLE_SEND_LIMIT: '1000',
      THROTTLE_VERIFY_LIMIT: '1000',
      ...settings,
    });
    shop = createClientAgent(service.url, keys.shop.key);
    attacker = createClientAgent(service.url, keys.attacker.key);
  }

  const send = (client: Agent, phoneNumber = NUMBER, fields: object = {}) =>
    client.post('/otp/send').send({ phoneNumber, ...fields });
  const verify = (client: Agent, pinId: string, otpCode: string) =>
    client.post('/otp/verify').send({ pinId, otpCode });

  /** Sends a code. @returns the verification and the right code */
  async function sendCode(client: Agent, phoneNumber = NUMBER) {
    const { body } = await send(client, phoneNumber).expect(200);
    const [code = ''] = await service.getReceivedCodes(phoneNumber);
    return { pinId: String(body.pinId), code };
  }

  async function sendAndVerify(client: Agent, phoneNumber = NUMBER): Promise<void> {
    const { pinId, code } = await sendCode(client, phoneNumber);
    const { body } = await verify(client, pinId, code);
    expect(body).toEqual({ verified: true });
  }

  /** Sends a code every 30 seconds until a send is rejected. @returns how many were accepted */
  async function sendUntilRejected(client: Agent): Promise<number> {
    for (let sent = 0; ; sent += 1) {
      if ((await send(client)).status !== 200) return sent;
      service.clock.advance(seconds(30));
    }
  }

  /**
   * Submits wrong codes, five for each new verification, until a request is rejected.
   * @returns how many codes were checked
   */
  async function guessUntilRejected(client: Agent): Promise<number> {
    for (let guesses = 0; ;) {
      const sent = await send(client);
      if (sent.status !== 200) return guesses;
      const [code = ''] = await service.getReceivedCodes(NUMBER);
      for (let i = 0; i < 5; i += 1) {
        const { status } = await verify(client, sent.body.pinId, wrongCode(code));
        if (status !== 200) return guesses;
        guesses += 1;
      }
      service.clock.advance(seconds(30));
    }
  }

  /** Everything in a rejection that could tell a client about others. */
  const describeResponse = ({ status, body, headers }: Response) => ({
    status,
    code: body.code,
    detail: body.detail,
    retryAfter: headers['retry-after'],
  });

  it("cannot use up the shop's messages to a number", async () => {
    await start();
    expect(await sendUntilRejected(attacker)).toBe(10);

    expect(await sendUntilRejected(shop)).toBe(5);
  });

  it("cannot use up the shop's wrong codes for a number", async () => {
    await start();
    const { pinId, code } = await sendCode(shop);
    service.clock.advance(seconds(30));
    expect(await guessUntilRejected(attacker)).toBe(10);

    expect((await verify(shop, pinId, code)).body).toEqual({ verified: true });
  });

  it('cannot keep the first code of a verification from being checked', async () => {
    await start({ FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '4' });
    expect(await guessUntilRejected(attacker)).toBe(4);
    const spent = await sendCode(shop);
    for (let i = 0; i < 2; i += 1)
      await verify(shop, spent.pinId, wrongCode(spent.code)).expect(200);
    // The attacker has used up the limit of 4, and the shop its share of 2.
    expectProblem(await verify(shop, spent.pinId, spent.code), 429, 'quota_exceeded');
    service.clock.advance(seconds(30));

    const untouched = await sendCode(shop);
    expect((await verify(shop, untouched.pinId, untouched.code)).body).toEqual({ verified: true });
  });

  it("cannot reset the shop's count of wrong codes by verifying a right code", async () => {
    await start();
    expect(await guessUntilRejected(shop)).toBe(10);

    await sendAndVerify(attacker);

    expectProblem(await send(shop), 429, 'quota_exceeded');
  });

  it("cannot erase the shop's record that it verified a number", async () => {
    await start({ PUMPING_FLOOR_PER_HOUR: '1', PUMPING_FLOOR_PER_DAY: '1' });
    await sendAndVerify(shop);
    // Unverified messages suspend the prefix for numbers that the shop has not verified.
    for (let i = 0; i < 60; i += 1) {
      const response = await send(shop, `+1415555${String(3_000 + i)}`);
      if (response.status !== 200) break;
    }
    service.clock.advance(seconds(30));
    expectProblem(await send(shop, '+14155559999'), 429, 'destination_suspended');

    await attacker.post('/otp/numbers/erase').send({ phoneNumber: NUMBER }).expect(204);

    await send(shop).expect(200);
  });

  it("ends the shop's code for a number by a send through Sinch", async () => {
    await start({ PROVIDERS: 'sinch' });
    const { pinId, code } = await sendCode(shop);
    await sendCode(attacker);

    const { body } = await verify(shop, pinId, code);
    expect(body).toEqual({ verified: false, reason: 'attempts_exhausted' });
  });

  it('cannot use an endUserIp at its limit to find out whether the shop has just messaged a number', async () => {
    await start({ SENDS_PER_END_USER_IP_PER_HOUR: '1' });
    await send(attacker, '+14155557777', { endUserIp: END_USER }).expect(200);
    await send(shop, NUMBER).expect(200);

    const messaged = await send(attacker, NUMBER, { endUserIp: END_USER });
    const notMessaged = await send(attacker, OTHER_NUMBER, { endUserIp: END_USER });

    expectProblem(messaged, 429, 'quota_exceeded');
    expect(describeResponse(messaged)).toEqual(describeResponse(notMessaged));
  });

  it('has a limit per endUserIp of its own, which messages of the shop do not count towards', async () => {
    await start({ SENDS_PER_END_USER_IP_PER_HOUR: '1' });
    await send(shop, NUMBER, { endUserIp: END_USER }).expect(200);

    await send(attacker, OTHER_NUMBER, { endUserIp: END_USER }).expect(200);
  });

  it('gets the same response and Retry-After for each limit that it reaches because of the shop', async () => {
    await start({ SENDS_PER_NUMBER_PER_DAY: '2', FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '2' });
    const { pinId, code } = await sendCode(attacker);
    await verify(attacker, pinId, wrongCode(code)).expect(200);
    const shopCode = await sendCode(shop);
    await verify(shop, shopCode.pinId, wrongCode(shopCode.code)).expect(200);
    service.clock.advance(minutes(3));

    const rejected = [await send(attacker), await verify(attacker, pinId, code)].map(
      describeResponse,
    );

    const expected = {
      status: 429,
      code: 'quota_exceeded',
      detail:
        'A limit that all clients of this service share is reached. Retry after the time in `Retry-After`.',
      // Always an hour: the exact time would show when the shop used the number.
      retryAfter: '3600',
    };
    expect(rejected).toEqual([expected, expected]);
    const limits = service.log.events('request').flatMap(({ limit }) => limit ?? []);
    expect(limits).toEqual(['shared_sends_per_day', 'shared_failures']);
  });

  it('gets the same rejection for numbers with and without messages of the shop when its own budget is used up', async () => {
    await start({ SENDS_PER_NUMBER_PER_DAY: '2', CLIENT_SENDS_PER_DAY: '2' });
    await send(attacker).expect(200);
    await send(attacker, OTHER_NUMBER).expect(200);
    await send(shop).expect(200);
    service.clock.advance(seconds(30));

    const messaged = describeResponse(await send(attacker));
    const notMessaged = describeResponse(await send(attacker, OTHER_NUMBER));

    expect(messaged).toMatchObject({ code: 'quota_exceeded' });
    expect(messaged).toEqual(notMessaged);
  });
});

describe('A single client', () => {
  it('has the whole limits of a number: a right code resets the wrong codes of the hour, not of the day', async () => {
    const service = await startSandboxedService({
      SENDS_PER_NUMBER_PER_DAY: '100',
      FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '3',
      FAILED_ATTEMPTS_PER_NUMBER_PER_DAY: '5',
    });
    const verify = (pinId: string, otpCode: string) =>
      service.http.post('/otp/verify').send({ pinId, otpCode });
    const results: unknown[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { body } = await service.http.post('/otp/send').send({ phoneNumber: NUMBER });
      const [code = ''] = await service.getReceivedCodes(NUMBER);
      for (const otpCode of [wrongCode(code), wrongCode(code), code]) {
        const response = await verify(body.pinId, otpCode);
        results.push(response.body.code ?? response.body.verified);
      }
      service.clock.advance(seconds(30));
    }
    await service.close();

    expect(results).toEqual([
      ...[false, false, true],
      ...[false, false, true],
      // The fifth wrong code of the day is the last code that is checked.
      ...[false, 'quota_exceeded', 'quota_exceeded'],
    ]);
  });
});
