import type { Agent } from 'supertest';
import { hours, minutes, seconds } from '../../src/common/durations.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { wrongCode } from '../support/wrong-code.js';

const BUDGET = 12;
const ATTEMPTS = 5;
const target = (index: number): string => `+1415555${String(2_000 + index)}`;

describe('A client that guesses codes of many numbers', () => {
  let service: SandboxedService;
  let attacker: Agent;
  let shop: Agent;

  beforeEach(async () => {
    const keys = [newApiKey('attacker'), newApiKey('shop')] as const;
    service = await startSandboxedService({
      API_KEYS: keys.map(({ entry }) => entry).join(','),
      CLIENT_WRONG_CODES_PER_DAY: String(BUDGET),
      PUMPING_GUARD: 'off',
      THROTTLE_SEND_LIMIT: '1000000',
      THROTTLE_VERIFY_LIMIT: '1000000',
    });
    attacker = createClientAgent(service.url, keys[0].key);
    shop = createClientAgent(service.url, keys[1].key);
  });

  afterEach(() => service.close());

  const send = async (client: Agent, phoneNumber: string): Promise<string> =>
    (await client.post('/otp/send').send({ phoneNumber }).expect(200)).body.pinId;

  const readCode = async (phoneNumber: string): Promise<string> =>
    (await service.getReceivedCodes(phoneNumber))[0] ?? '';

  const verify = (client: Agent, pinId: string, otpCode: string) =>
    client.post('/otp/verify').send({ pinId, otpCode });

  /** Guesses until a code is not checked, five of each number. */
  async function guess(first: number, most: number) {
    let pinId = '';
    for (let checked = 0; ; checked += 1) {
      const phoneNumber = target(first + Math.floor(checked / ATTEMPTS));
      if (checked % ATTEMPTS === 0) pinId = await send(attacker, phoneNumber);
      const response = await verify(attacker, pinId, wrongCode(await readCode(phoneNumber)));
      if (response.status === 429 || checked === most) return { checked, response };
    }
  }

  // Fails without attempt-outcome.repository.ts, addWrongCode
  it('has as many codes checked in a day as its budget allows, and blocks no other client', async () => {
    const pinId = await send(shop, target(500));

    const { checked, response } = await guess(0, 30);
    expect(checked).toBe(BUDGET);
    expectProblem(response, 429, 'quota_exceeded');
    expect(response.body.detail).toMatch(/^This client has reached its daily limit of wrong/);
    expect(response.headers['retry-after']).toBe(String((hours(24) + minutes(5)) / seconds(1)));

    const { body } = await verify(shop, pinId, await readCode(target(500)));
    expect(body).toEqual({ verified: true });

    service.clock.advance(hours(24) + minutes(5));
    expect((await guess(100, 1)).checked).toBe(1);
  });

  // Fails without guess-limits.ts, WRONG_PER_VERIFIED
  it('gets half a wrong code more for each verified message', async () => {
    for (let i = 0; i < 6; i += 1) {
      const pinId = await send(attacker, target(300 + i));
      const { body } = await verify(attacker, pinId, await readCode(target(300 + i)));
      expect(body).toEqual({ verified: true });
    }

    expect((await guess(0, 30)).checked).toBe(BUDGET + 3);
  });

  // Fails without attempt.repository.ts, replayOrReject
  it('still gets the response to an earlier request', async () => {
    const pinId = await send(attacker, target(400));
    const otpCode = wrongCode(await readCode(target(400)));
    const repeat = () => verify(attacker, pinId, otpCode).set('idempotency-key', 'once');
    const first = await repeat().expect(200);

    expect((await guess(0, 30)).checked).toBe(BUDGET - 1);
    const again = await repeat().expect(200);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });
});
