import { minutes, seconds } from '../../src/common/durations.js';
import { wrongCode } from '../support/wrong-code.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';

describe('A verification', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService();
  });

  afterEach(() => service.close());

  async function send(body: object = {}): Promise<{ pinId: string; otpCode: string }> {
    const response = await service.http
      .post('/otp/send')
      .send({ phoneNumber: NUMBER, ...body })
      .expect(200);
    const [otpCode = ''] = await service.getReceivedCodes(NUMBER);
    return { pinId: response.body.pinId, otpCode };
  }

  const verify = (body: object) => service.http.post('/otp/verify').send(body);
  const resend = (body: object) => service.http.post('/otp/resend').send(body);
  const status = (pinId: string) => service.http.get(`/otp/${pinId}`);

  it('has its status at each step', async () => {
    const { pinId, otpCode } = await send();
    const pending = {
      pinId,
      status: 'pending',
      to: '+1415•••2671',
      channel: 'sms',
      createdAt: '2030-01-01T00:00:00.000Z',
      expiresAt: '2030-01-01T00:05:00.000Z',
      codeLength: 6,
      attemptsRemaining: 5,
    };
    await status(pinId).expect(200, pending);

    await verify({ pinId, otpCode: wrongCode(otpCode) });
    await status(pinId).expect(200, { ...pending, attemptsRemaining: 4 });

    service.clock.advance(seconds(7));
    await verify({ pinId, otpCode });
    await status(pinId).expect(200, {
      ...pending,
      status: 'verified',
      verifiedAt: '2030-01-01T00:00:07.000Z',
      attemptsRemaining: 3,
    });
  });

  it('has the status expired after OTP_TTL, and exhausted after its last attempt', async () => {
    const expiring = await send();
    service.clock.advance(minutes(5));
    expect((await status(expiring.pinId)).body.status).toBe('expired');

    const { pinId, otpCode } = await send();
    for (let i = 0; i < 5; i += 1) await verify({ pinId, otpCode: wrongCode(otpCode) });
    expect((await status(pinId)).body).toMatchObject({ status: 'exhausted', attemptsRemaining: 0 });
  });

  it('can be cancelled, also twice', async () => {
    const { pinId, otpCode } = await send();

    await service.http.delete(`/otp/${pinId}`).expect(204, '');
    await service.http.delete(`/otp/${pinId}`).expect(204);

    expect((await status(pinId)).body.status).toBe('cancelled');
    await verify({ pinId, otpCode }).expect(200, { verified: false, reason: 'cancelled' });
  });

  it.each(['no-such-pin', '%F0%9F%93%B1', 'x'.repeat(2_000), '..%2f..%2fetc', '14155552671'])(
    'is not found by the unknown pinId %s on any route',
    async (pinId) => {
      expectProblem(await status(pinId), 404, 'verification_not_found');
      expectProblem(await service.http.delete(`/otp/${pinId}`), 404, 'verification_not_found');
      expectProblem(await resend({ pinId }), 404, 'verification_not_found');
      expectProblem(await verify({ pinId, otpCode: '1234' }), 404, 'verification_not_found');
    },
  );

  it('keeps its pinId, code and expiry when it is sent again', async () => {
    const { pinId, otpCode } = await send();
    expectProblem(await resend({ pinId }), 429, 'cooldown_active');
    service.clock.advance(seconds(30));

    await resend({ pinId, channel: 'voice' }).expect(200, {
      pinId,
      to: '+1415•••2671',
      channel: 'voice',
      expiresAt: '2030-01-01T00:05:00.000Z',
      codeLength: 6,
      resendAvailableAt: '2030-01-01T00:01:00.000Z',
    });

    expect(await service.getReceivedCodes(NUMBER)).toEqual([otpCode, otpCode]);
    await verify({ pinId, otpCode }).expect(200, { verified: true });
  });

  it('cannot be sent again after it was verified', async () => {
    const { pinId, otpCode } = await send();
    await verify({ pinId, otpCode });
    service.clock.advance(seconds(30));

    expectProblem(await resend({ pinId }), 409, 'not_resendable');
  });

  it('can be sent by voice', async () => {
    const { body } = await service.http
      .post('/otp/send')
      .send({ phoneNumber: NUMBER, channel: 'voice' })
      .expect(200);

    expect(body.channel).toBe('voice');
    expect(await service.getReceivedChannels(NUMBER)).toEqual(['voice']);
  });

  it('can be verified by its number, which selects the newest one', async () => {
    await send();
    service.clock.advance(seconds(30));
    const { pinId, otpCode } = await send();

    await verify({ phoneNumber: '+1 415 555 2671', otpCode }).expect(200, { verified: true });
    expect((await status(pinId)).body.status).toBe('verified');
  });

  it('is not found by a number without a verification', async () => {
    expectProblem(
      await verify({ phoneNumber: NUMBER, otpCode: '1234' }),
      404,
      'verification_not_found',
    );
  });

  it.each([
    ['neither', {}, '#/pinId'],
    ['both', { pinId: 'a', phoneNumber: NUMBER }, '#/pinId'],
    ['a bad number', { phoneNumber: '+1' }, '#/phoneNumber'],
    ['a bad number with a pinId', { pinId: 'a', phoneNumber: '+1' }, '#/phoneNumber'],
  ])('is rejected if selected by %s of pinId and number', async (_what, selector, pointer) => {
    const response = await verify({ ...selector, otpCode: '1234' });

    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(
      pointer,
    );
  });

  it('can be verified only with its reference', async () => {
    const { pinId, otpCode } = await send({ reference: 'login-1' });
    const mismatch = { verified: false, reason: 'reference_mismatch' };

    await verify({ pinId, otpCode }).expect(200, mismatch);
    for (const reference of ['login-2', 'x'.repeat(129)])
      await verify({ pinId, otpCode, reference }).expect(200, mismatch);
    expect((await status(pinId)).body.attemptsRemaining).toBe(5);
    await verify({ pinId, otpCode, reference: 'login-1' }).expect(200, { verified: true });
  });

  it('cannot be verified with half of a surrogate pair, not even for the reference U+FFFD', async () => {
    const { pinId, otpCode } = await send({ reference: '\ufffdx' });

    await verify({ pinId, otpCode, reference: '\ud800x' }).expect(200, {
      verified: false,
      reason: 'reference_mismatch',
    });
    expect((await status(pinId)).body.attemptsRemaining).toBe(5);
    await verify({ pinId, otpCode, reference: '\ufffdx' }).expect(200, { verified: true });
  });

  it.each(['reference', 'eventReference', 'phoneNumber', 'locale', 'channel', 'endUserIp'])(
    'cannot have half of a surrogate pair in its %s',
    async (field) => {
      const value = field === 'phoneNumber' ? `${NUMBER}\ud800` : 'x\udfff';
      const body = { phoneNumber: NUMBER, [field]: value };
      const response = await service.http.post('/otp/send').send(body);

      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors).toEqual([
        {
          pointer: `#/${field}`,
          detail: expect.stringMatching(
            /reference/i.test(field) ? /half of a surrogate pair/ : /./,
          ),
        },
      ]);
    },
  );

  it.each(['', 'x'.repeat(129), 7])('cannot have the reference %j', async (reference) => {
    expectProblem(
      await service.http.post('/otp/send').send({ phoneNumber: NUMBER, reference }),
      400,
      'validation_failed',
    );
  });
});
