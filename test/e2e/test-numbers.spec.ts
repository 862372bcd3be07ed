import { hours, seconds } from '../../src/common/durations.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const WITHOUT_LAST_DAY = '+15550001111';
const WITH_LAST_DAY = '+15550002222';
const WITH_LETTERS = '+15550003333';
/** A number that could belong to a phone. */
const REAL_NUMBER = '+14155552671';
const CODE = '123456';

describe('A test number', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService({
      TEST_NUMBERS: `${WITHOUT_LAST_DAY}:${CODE}, ${WITH_LAST_DAY}:${CODE}@2030-01-01, ${REAL_NUMBER}:${CODE}, ${WITH_LETTERS}:abc1`,
      SENDS_PER_NUMBER_PER_DAY: '2',
      ALLOWED_COUNTRIES: 'CH',
    });
  });

  afterEach(() => service.close());

  const send = (phoneNumber = WITHOUT_LAST_DAY) =>
    service.http.post('/otp/send').send({ phoneNumber });
  const verify = (body: object) => service.http.post('/otp/verify').send(body);

  it.each([WITHOUT_LAST_DAY, WITH_LAST_DAY, REAL_NUMBER])(
    'is verified with its fixed code, without a message: %s',
    async (to) => {
      const { body } = await send(to).expect(200);

      await verify({ pinId: body.pinId, otpCode: CODE }).expect(200, { verified: true });
      expect(await service.getReceivedCodes(to)).toEqual([]);
    },
  );

  it('rejects other codes, and has the usual number of attempts', async () => {
    const { body } = await send();
    for (const attemptsRemaining of [4, 3, 2, 1, 0]) {
      const wrong = await verify({ pinId: body.pinId, otpCode: '123457' });
      expect(wrong.body).toEqual({ verified: false, reason: 'wrong_code', attemptsRemaining });
    }

    await verify({ pinId: body.pinId, otpCode: CODE }).expect(200, {
      verified: false,
      reason: 'attempts_exhausted',
    });
  });

  it('has the length of its fixed code, and rejects other lengths without an attempt', async () => {
    const { body } = await send();
    service.clock.advance(seconds(30));
    const resent = await service.http.post('/otp/resend').send({ pinId: body.pinId });

    expect([body.codeLength, resent.body.codeLength]).toEqual([6, 6]);
    for (const otpCode of ['12345', '1234567']) {
      expectProblem(await verify({ pinId: body.pinId, otpCode }), 400, 'validation_failed');
    }
    const { attemptsRemaining } = (await service.http.get(`/otp/${body.pinId}`)).body;
    expect(attemptsRemaining).toBe(5);
    await verify({ pinId: body.pinId, otpCode: CODE }).expect(200, { verified: true });
  });

  it('has no codeLength if its code has letters', async () => {
    const { body } = await send(WITH_LETTERS).expect(200);

    expect(body).not.toHaveProperty('codeLength');
    const { reason } = (await verify({ pinId: body.pinId, otpCode: '12345' })).body;
    expect(reason).toBe('wrong_code');
    await verify({ pinId: body.pinId, otpCode: 'abc1' }).expect(200, { verified: true });
  });

  it('has no cooldown and no limit of messages', async () => {
    for (let i = 0; i < 5; i += 1) await send().expect(200);
    const { body } = await send();

    await service.http.post('/otp/resend').send({ pinId: body.pinId }).expect(200);
    await verify({ phoneNumber: WITHOUT_LAST_DAY, otpCode: CODE }).expect(200, { verified: true });
  });

  it('has test: true in its status', async () => {
    const { body } = await send();

    expect((await service.http.get(`/otp/${body.pinId}`)).body).toMatchObject({
      status: 'pending',
      test: true,
    });
  });

  it('is no test number any more after its last day', async () => {
    service.clock.advance(hours(24) - seconds(1));
    const { body } = await send(WITH_LAST_DAY).expect(200);
    service.clock.advance(seconds(1));

    expectProblem(await send(WITH_LAST_DAY), 400, 'validation_failed');
    await verify({ pinId: body.pinId, otpCode: CODE }).expect(200, {
      verified: false,
      reason: 'expired',
    });
    await verify({ phoneNumber: WITH_LAST_DAY, otpCode: CODE }).expect(200, {
      verified: false,
      reason: 'expired',
    });
  });

  it('has no test field in the status of other numbers', async () => {
    const { body } = await send('+41793026727').expect(200);

    expect((await service.http.get(`/otp/${body.pinId}`)).body).not.toHaveProperty('test');
  });
});
