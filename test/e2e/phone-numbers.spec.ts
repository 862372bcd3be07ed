import { hours, seconds } from '../../src/common/durations.js';
import { wrongCode } from '../support/wrong-code.js';
import { expectProblem } from '../support/problem.js';
import { reply, startScriptedUpstream } from '../support/scripted-upstream.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';

describe('A phone number', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService({
      SENDS_PER_NUMBER_PER_DAY: '3',
      FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '4',
      OTP_MAX_ATTEMPTS: '3',
    });
  });

  afterEach(() => service.close());

  const send = () => service.http.post('/otp/send').send({ phoneNumber: NUMBER });
  const lookup = () => service.http.post('/otp/numbers/lookup').send({ phoneNumber: NUMBER });
  const erase = () => service.http.post('/otp/numbers/erase').send({ phoneNumber: NUMBER });

  async function sendCode(): Promise<{ pinId: string; otpCode: string }> {
    const { body } = await send().expect(200);
    const [newestCode = ''] = await service.getReceivedCodes(NUMBER);
    return { pinId: body.pinId, otpCode: newestCode };
  }

  const verify = (body: object) => service.http.post('/otp/verify').send(body);

  it('is reported as verified after a right code', async () => {
    await lookup().expect(200, { verified: false });
    await verify(await sendCode());

    await lookup().expect(200, { verified: true, verifiedAt: '2030-01-01T00:00:00.000Z' });
  });

  it('can be erased, but keeps its cooldown', async () => {
    const code = await sendCode();
    await verify(code);
    await erase().expect(204, '');

    await lookup().expect(200, { verified: false });
    expectProblem(await service.http.get(`/otp/${code.pinId}`), 404, 'verification_not_found');
    expectProblem(await send(), 429, 'cooldown_active');
  });

  // The erase deletes the verification while the service waits for the provider.
  it('is erased even during a send, which then returns 404 and no pinId', async () => {
    const upstream = await startScriptedUpstream();
    const scriptedService = await startService({ INFOBIP_BASE_URL: upstream.url });
    upstream.answer((response) => {
      void scriptedService.http
        .post('/otp/numbers/erase')
        .send({ phoneNumber: NUMBER })
        .then(() => {
          reply(200, { pinId: 'PIN', smsStatus: 'MESSAGE_SENT' })(response);
        });
    });

    const response = await scriptedService.http.post('/otp/send').send({ phoneNumber: NUMBER });

    expectProblem(response, 404, 'verification_not_found');
    await scriptedService.close();
    await upstream.close();
  });

  it('is rejected if it is invalid', async () => {
    for (const route of ['lookup', 'erase']) {
      const response = await service.http.post(`/otp/numbers/${route}`).send({ phoneNumber: '+1' });
      expectProblem(response, 400, 'validation_failed');
    }
  });

  it('gets SENDS_PER_NUMBER_PER_DAY messages, then 429 with Retry-After', async () => {
    for (let i = 0; i < 3; i += 1) {
      await send().expect(200);
      service.clock.advance(seconds(30));
    }

    const response = await send();

    expectProblem(response, 429, 'quota_exceeded');
    expect(Number(response.headers['retry-after'])).toBe((hours(24) - seconds(90)) / 1_000);
    expect(await service.getReceivedCodes(NUMBER)).toHaveLength(3);
  });

  it('allows FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR wrong codes over all its verifications', async () => {
    const first = await sendCode();
    for (let i = 0; i < 3; i += 1) await verify({ ...first, otpCode: wrongCode(first.otpCode) });
    service.clock.advance(seconds(30));
    const second = await sendCode();
    await verify({ ...second, otpCode: wrongCode(second.otpCode) });

    expectProblem(await verify(second), 429, 'quota_exceeded');
    expect((await service.http.get(`/otp/${second.pinId}`)).body.attemptsRemaining).toBe(2);
  });
});
