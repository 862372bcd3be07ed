import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { minutes, seconds } from '../../src/common/durations.js';
import { wrongCode } from '../support/wrong-code.js';
import { expectProblem } from '../support/problem.js';

const NUMBER = '+14155552671';

describe('POST /otp/send and POST /otp/verify', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService();
  });

  afterEach(() => service.close());

  async function send(phoneNumber = NUMBER): Promise<{ pinId: string; code: string }> {
    const { body } = await service.http.post('/otp/send').send({ phoneNumber }).expect(200);
    const [code = ''] = await service.getReceivedCodes(phoneNumber);
    return { pinId: body.pinId, code };
  }

  const verify = (pinId: string, otpCode: string) =>
    service.http.post('/otp/verify').send({ pinId, otpCode });

  it('returns a pinId, the masked number, two times and the length of the code for a send', async () => {
    const { body } = await service.http.post('/otp/send').send({ phoneNumber: NUMBER }).expect(200);

    expect(body).toEqual({
      pinId: expect.stringMatching(/^[\w-]{22,}$/),
      to: '+1415•••2671',
      channel: 'sms',
      expiresAt: '2030-01-01T00:05:00.000Z',
      codeLength: 6,
      resendAvailableAt: '2030-01-01T00:00:30.000Z',
    });
  });

  it('returns exactly { verified: true } for the right code', async () => {
    const { pinId, code } = await send();

    const response = await verify(pinId, code).expect(200);

    expect(response.text).toBe('{"verified":true}');
  });

  it('verifies a code only once', async () => {
    const { pinId, code } = await send();
    await verify(pinId, code);

    const { body } = await verify(pinId, code).expect(200);

    expect(body).toEqual({ verified: false, reason: 'already_verified' });
  });

  it('verifies a code only once for two hundred concurrent requests', async () => {
    const { pinId, code } = await send();

    const responses = await Promise.all(
      Array.from({ length: 200 }, () => verify(pinId, code).then(({ body }) => body)),
    );

    expect(responses.filter(({ verified }) => verified === true)).toHaveLength(1);
  });

  it('counts down the attempts of wrong codes, then rejects the right one', async () => {
    const { pinId, code } = await send();

    for (const attemptsRemaining of [4, 3, 2, 1, 0]) {
      const { body } = await verify(pinId, wrongCode(code)).expect(200);
      expect(body).toEqual({ verified: false, reason: 'wrong_code', attemptsRemaining });
    }

    const { body } = await verify(pinId, code).expect(200);
    expect(body).toEqual({ verified: false, reason: 'attempts_exhausted' });
  });

  it('rejects a code after OTP_TTL', async () => {
    const { pinId, code } = await send();
    service.clock.advance(minutes(5));

    const { body } = await verify(pinId, code).expect(200);

    expect(body).toEqual({ verified: false, reason: 'expired' });
  });

  it('cancels a code when another is sent to the same number, in any notation', async () => {
    const older = await send();
    service.clock.advance(seconds(30));
    const newer = await send('+1 (415) 555-2671');

    const { body } = await verify(older.pinId, older.code).expect(200);
    expect(body).toEqual({ verified: false, reason: 'cancelled' });
    await verify(newer.pinId, newer.code).expect(200, { verified: true });
  });

  it('sends no second message to a number within its cooldown', async () => {
    await send();
    service.clock.advance(seconds(29) + 1);

    const response = await service.http.post('/otp/send').send({ phoneNumber: NUMBER });

    expectProblem(response, 429, 'cooldown_active');
    expect(response.headers['retry-after']).toBe('1');
    expect(await service.getReceivedCodes(NUMBER)).toHaveLength(1);
  });

  it('sends one message for fifty concurrent sends to one number', async () => {
    const responses = await Promise.all(
      Array.from({ length: 50 }, () =>
        service.http.post('/otp/send').send({ phoneNumber: NUMBER }),
      ),
    );

    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await service.getReceivedCodes(NUMBER)).toHaveLength(1);
  });

  it('returns 404 for an unknown pinId', async () => {
    expectProblem(await verify('no-such-pin', '123456'), 404, 'verification_not_found');
  });
});
