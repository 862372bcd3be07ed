import { hours, seconds } from '../../src/common/durations.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const FOREVER = '+15550001111';
const TO_A_DAY = '+15550002222';
const REAL = '+14155552671';
const CODE = '123456';

describe('A test number', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService({
      TEST_NUMBERS: `${FOREVER}:${CODE}, ${TO_A_DAY}:${CODE}@2030-01-01, ${REAL}:${CODE}`,
      SENDS_PER_NUMBER_PER_DAY: '2',
      ALLOWED_COUNTRIES: 'CH',
    });
  });

  afterEach(() => service.close());

  const send = (phoneNumber = FOREVER) => service.http.post('/otp/send').send({ phoneNumber });
  const verify = (body: object) => service.http.post('/otp/verify').send(body);

  it.each([FOREVER, TO_A_DAY, REAL])(
    'is verified with its code, and not texted: %s',
    async (to) => {
      const { body } = await send(to).expect(200);

      await verify({ pinId: body.pinId, otpCode: CODE }).expect(200, { verified: true });
      expect(await service.codesOf(to)).toEqual([]);
    },
  );

  it('takes no other code, and no more of them than any number', async () => {
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

  it('has no cooldown, and no texts that could run out', async () => {
    for (let i = 0; i < 5; i += 1) await send().expect(200);
    const { body } = await send();

    await service.http.post('/otp/resend').send({ pinId: body.pinId }).expect(200);
    await verify({ phoneNumber: FOREVER, otpCode: CODE }).expect(200, { verified: true });
  });

  it('is marked in the status', async () => {
    const { body } = await send();

    expect((await service.http.get(`/otp/${body.pinId}`)).body).toMatchObject({
      status: 'pending',
      test: true,
    });
  });

  it('is a number like any other after its last day', async () => {
    service.clock.advance(hours(24) - seconds(1));
    const { body } = await send(TO_A_DAY).expect(200);
    service.clock.advance(seconds(1));

    expectProblem(await send(TO_A_DAY), 400, 'validation_failed');
    await verify({ pinId: body.pinId, otpCode: CODE }).expect(200, {
      verified: false,
      reason: 'expired',
    });
    await verify({ phoneNumber: TO_A_DAY, otpCode: CODE }).expect(200, {
      verified: false,
      reason: 'expired',
    });
  });

  it('is not marked where it is none', async () => {
    const { body } = await send('+41793026727').expect(200);

    expect((await service.http.get(`/otp/${body.pinId}`)).body).not.toHaveProperty('test');
  });
});
