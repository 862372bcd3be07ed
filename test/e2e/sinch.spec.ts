import { seconds } from '../../src/common/durations.js';
import { SinchClient } from '../../src/providers/sinch/sinch.client.js';
import { wrongCode } from '../support/wrong-code.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';

describe('A code that Sinch sends', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService({ PROVIDERS: 'sinch,infobip' });
  });

  afterEach(() => service.close());

  const send = (body: object = {}) =>
    service.http.post('/otp/send').send({ phoneNumber: NUMBER, ...body });
  const getNewestCode = async () => (await service.getReceivedCodes(NUMBER))[0] ?? '';
  const sendCode = async (body?: object) => {
    const { pinId } = (await send(body).expect(200)).body;
    return { pinId, code: await getNewestCode() };
  };
  const verify = async (pinId: string, otpCode: string) =>
    (await service.http.post('/otp/verify').send({ pinId, otpCode }).expect(200)).body;

  it.each(['sms', 'voice'])('arrives by %s and can be verified', async (channel) => {
    const { pinId, code } = await sendCode({ channel });

    expect(await service.getReceivedChannels(NUMBER)).toEqual([channel]);
    expect(code).toMatch(/^\d{4}$/);
    expect(await verify(pinId, code)).toEqual({ verified: true });
  });

  it('allows one attempt, also after a resend', async () => {
    const { pinId } = await sendCode();
    const readAttempts = async () =>
      (await service.http.get(`/otp/${pinId}`)).body.attemptsRemaining;
    expect(await readAttempts()).toBe(1);

    service.clock.advance(seconds(30));
    await service.http.post('/otp/resend').send({ pinId }).expect(200);
    expect(await readAttempts()).toBe(1);

    await verify(pinId, wrongCode(await getNewestCode()));
    expect(await readAttempts()).toBe(0);
  });

  it('can no longer be verified after one wrong code, but another code can be sent', async () => {
    const first = await sendCode();

    const exhausted = { verified: false, reason: 'attempts_exhausted' };
    expect(await verify(first.pinId, wrongCode(first.code))).toEqual(exhausted);
    expect(await verify(first.pinId, first.code)).toEqual(exhausted);
    const { status } = (await service.http.get(`/otp/${first.pinId}`)).body;
    expect(status).toBe('exhausted');

    service.clock.advance(seconds(30));
    const second = await sendCode();
    expect(await verify(second.pinId, second.code)).toEqual({ verified: true });
  });

  it('is replaced by a resend over another channel, with the same pinId', async () => {
    const { pinId } = await sendCode();
    service.clock.advance(seconds(30));

    const { body } = await service.http
      .post('/otp/resend')
      .send({ pinId, channel: 'voice' })
      .expect(200);

    expect(body.pinId).toBe(pinId);
    expect(await service.getReceivedChannels(NUMBER)).toEqual(['voice', 'sms']);
    expect(new Set(await service.getProviderPinIds(NUMBER)).size).toBe(2);
    expect(await verify(pinId, await getNewestCode())).toEqual({ verified: true });
  });

  describe('again, by a resend whose answer is delayed', () => {
    /**
     * Sends a code again. Sinch sends the message, and its answer is held.
     * @returns a function that lets the answer through, and returns the status of the resend
     */
    async function startResend(pinId: string): Promise<() => Promise<number>> {
      service.clock.advance(seconds(30));
      const sinch = service.app.get(SinchClient);
      const post = sinch.post.bind(sinch);
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      const sent = new Promise<void>((resolve) => {
        jest.spyOn(sinch, 'post').mockImplementationOnce(async (...call) => {
          const answer = await post(...call);
          resolve();
          await released;
          return answer;
        });
      });
      const response = service.http.post('/otp/resend').send({ pinId }).then();
      await sent;
      return async () => {
        release();
        return (await response).status;
      };
    }

    // These tests fail without `after` of `isNotReplaced` in window-predicates.ts.
    it.each(['the earlier code', 'a wrong code'])(
      'can be verified though %s is submitted meanwhile',
      async (submitted) => {
        const { pinId, code } = await sendCode();
        const finishResend = await startResend(pinId);

        expect(await verify(pinId, submitted === 'a wrong code' ? wrongCode(code) : code)).toEqual({
          verified: false,
          reason: 'wrong_code',
          attemptsRemaining: 1,
        });

        expect(await finishResend()).toBe(200);
        expect(await verify(pinId, await getNewestCode())).toEqual({ verified: true });
      },
    );

    // This test fails without `isNewer` of `confirm` in resend-confirmations.ts.
    it('does not end the code of a later resend', async () => {
      const { pinId } = await sendCode();
      const finishResend = await startResend(pinId);
      service.clock.advance(seconds(30));
      await service.http.post('/otp/resend').send({ pinId }).expect(200);

      expect(await finishResend()).toBe(200);
      expect(await verify(pinId, await getNewestCode())).toEqual({ verified: true });
    });

    it('gets 409 not_resendable if the verification is cancelled meanwhile', async () => {
      const { pinId } = await sendCode();
      const finishResend = await startResend(pinId);
      await service.http.delete(`/otp/${pinId}`).expect(204);

      expect(await finishResend()).toBe(409);
    });
  });

  it('does not expire at Sinch before OTP_TTL', async () => {
    const { pinId, code } = await sendCode();
    service.clock.advance(seconds(5 * 60) - 1);

    expect(await verify(pinId, code)).toEqual({ verified: true });
  });

  it('causes an error if Sinch rejects it, with no number or credentials in the log', async () => {
    // Magic numbers of the sandbox, which answers these sends with errors.
    expectProblem(await send({ phoneNumber: '+12025550100' }), 502, 'provider_error');
    expectProblem(await send({ phoneNumber: '+12085550100' }), 503, 'provider_unavailable');

    // The last two are the secret and the key of the sandbox's Sinch application.
    expect(service.log.text).not.toMatch(/2025550100|2085550100|c2FuZGJveC1zZWNyZXQ|5a4db0c5/);
  });
});
