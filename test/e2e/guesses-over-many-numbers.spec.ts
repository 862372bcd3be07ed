import type { Agent } from 'supertest';
import { hours, minutes, seconds } from '../../src/common/durations.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { wrongCode } from '../support/wrong-code.js';

/**
 * The wrong codes that a client may submit in a day. Not a multiple of `ATTEMPTS`: beyond the budget,
 * the first code of a verification is still checked.
 */
const BUDGET = 12;
/** Codes that are checked for one verification: OTP_MAX_ATTEMPTS. */
const ATTEMPTS = 5;
const MAX_GUESSES = 30;
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

  const useUpBudget = async (): Promise<void> => {
    expect((await guessUntilRejected(0)).checked).toBe(BUDGET);
  };

  /** Submits five wrong codes for each number, until a code is not checked. */
  async function guessUntilRejected(firstTarget: number) {
    let pinId = '';
    for (let checked = 0; checked < MAX_GUESSES; checked += 1) {
      const phoneNumber = target(firstTarget + Math.floor(checked / ATTEMPTS));
      if (checked % ATTEMPTS === 0) pinId = await send(attacker, phoneNumber);
      const response = await verify(attacker, pinId, wrongCode(await readCode(phoneNumber)));
      if (response.status === 429) return { checked, response };
    }
    throw new Error(`All of ${String(MAX_GUESSES)} wrong codes were checked.`);
  }

  // This test fails without `addWrongCode` in attempt-outcome.repository.ts.
  it('gets as many wrong codes checked in a day as its budget allows, and blocks no other client', async () => {
    const pinId = await send(shop, target(500));

    const { checked, response } = await guessUntilRejected(0);
    expect(checked).toBe(BUDGET);
    expectProblem(response, 429, 'quota_exceeded');
    expect(response.body.detail).toMatch(/^This client has reached its daily limit of wrong/);
    // Wrong codes are counted in buckets of five minutes. Each counts for a day from the end of its bucket.
    expect(response.headers['retry-after']).toBe(String((hours(24) + minutes(5)) / seconds(1)));

    const { body } = await verify(shop, pinId, await readCode(target(500)));
    expect(body).toEqual({ verified: true });

    // In the next bucket too, only the first code of a verification is checked.
    service.clock.advance(minutes(5));
    expect((await guessUntilRejected(50)).checked).toBe(1);

    service.clock.advance(hours(24) + minutes(5));
    expect((await guessUntilRejected(100)).checked).toBe(BUDGET);
  });

  // This test fails without `WRONG_PER_VERIFIED` in guess-limits.ts.
  it('may submit one wrong code more for every two verified messages', async () => {
    for (let i = 0; i < 4; i += 1) {
      const pinId = await send(attacker, target(300 + i));
      const { body } = await verify(attacker, pinId, await readCode(target(300 + i)));
      expect(body).toEqual({ verified: true });
    }

    expect((await guessUntilRejected(0)).checked).toBe(BUDGET + 2);
  });

  // This test fails without `firstCodeOnly` in number-reservations.ts.
  it('beyond its budget gets one code of each verification checked, even of ten concurrent ones', async () => {
    await useUpBudget();

    for (let i = 0; i < 5; i += 1) {
      const pinId = await send(attacker, target(200 + i));
      const guessed = wrongCode(await readCode(target(200 + i)));
      const responses = await Promise.all(
        Array.from({ length: 10 }, () => verify(attacker, pinId, guessed)),
      );
      const checked = responses.filter(({ status }) => status === 200);
      expect(checked.map(({ body }) => body.reason)).toEqual(['wrong_code']);
      for (const response of responses) {
        if (response.status !== 200) expectProblem(response, 429, 'quota_exceeded');
      }
    }
  });

  // This test fails if attempt.repository.ts rejects every code of a client beyond its budget.
  it('beyond its budget can still verify a user who types the right code at once', async () => {
    await useUpBudget();

    const pinId = await send(attacker, target(600));
    const { body } = await verify(attacker, pinId, await readCode(target(600)));
    expect(body).toEqual({ verified: true });
  });

  // This test fails if attempt.repository.ts rejects every code of a client beyond its budget.
  it('beyond its budget can verify a user who mistypes a code only with a new code', async () => {
    await useUpBudget();
    const phoneNumber = target(700);

    const mistyped = await send(attacker, phoneNumber);
    const first = await verify(attacker, mistyped, wrongCode(await readCode(phoneNumber)));
    expect(first.body).toEqual({ verified: false, reason: 'wrong_code', attemptsRemaining: 4 });
    const second = await verify(attacker, mistyped, await readCode(phoneNumber));
    expectProblem(second, 429, 'quota_exceeded');
    expect(second.body.detail).toMatch(/only the first code of each verification is checked/);

    service.clock.advance(minutes(2));
    const pinId = await send(attacker, phoneNumber);
    const { body } = await verify(attacker, pinId, await readCode(phoneNumber));
    expect(body).toEqual({ verified: true });
  });

  // This test fails if `findFinalRejection` in attempt.repository.ts ignores `isOwnLimit`.
  it('gets the limit of a number rather than its own, because that limit may end earlier', async () => {
    const phoneNumber = target(800);
    let pinId = '';
    // Ten wrong codes: the limit of this number in an hour.
    for (const guesses of [ATTEMPTS, ATTEMPTS - 1, 1]) {
      service.clock.advance(minutes(2));
      pinId = await send(attacker, phoneNumber);
      const guessed = wrongCode(await readCode(phoneNumber));
      for (let j = 0; j < guesses; j += 1) await verify(attacker, pinId, guessed).expect(200);
    }
    expect((await guessUntilRejected(0)).checked).toBe(BUDGET - 2 * ATTEMPTS);

    const { body } = await verify(attacker, pinId, await readCode(phoneNumber));
    expect(body.detail).toMatch(/^Too many wrong codes were submitted for this number/);
  });

  // This test fails without `findEarlierRequest` in attempt.repository.ts.
  it('beyond its budget still gets the stored response for an idempotency key', async () => {
    const pinId = await send(attacker, target(400));
    const otpCode = wrongCode(await readCode(target(400)));
    const repeat = () => verify(attacker, pinId, otpCode).set('idempotency-key', 'once');
    const first = await repeat().expect(200);

    expect((await guessUntilRejected(0)).checked).toBe(BUDGET - 1);
    const again = await repeat().expect(200);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });
});
