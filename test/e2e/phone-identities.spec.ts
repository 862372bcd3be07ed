import { seconds } from '../../src/common/durations.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

/** Two spellings of the number of a phone. Messages go to the second one. */
const PHONES = [
  ['Argentina, without the 9', '+54 11 2345-6789', '+5491123456789'],
  ['Argentina, with the 15', '+54 11 15-2345-6789', '+5491123456789'],
  ['Argentina, with the 15 after a long area code', '+54 2966 15-45-6789', '+5492966456789'],
  ['Mexico, with the 1', '+52 1 55 1234 5678', '+525512345678'],
  ['Brazil, without the ninth digit', '+55 31 8765-4321', '+5531987654321'],
  ['Benin, without the 01', '+229 90 12 34 56', '+2290190123456'],
  ['Palestine, with the code of Israel', '+972 59-912-3456', '+970599123456'],
] as const;

describe('One phone with two spellings of its number', () => {
  let service: SandboxedService;

  const start = async (settings: NodeJS.ProcessEnv = {}) => {
    service = await startSandboxedService({ THROTTLE_SEND_LIMIT: '1000', ...settings });
  };
  const post = (path: string, body: object) => service.http.post(`/otp/${path}`).send(body);
  const send = (phoneNumber: string, channel?: string) => post('send', { phoneNumber, channel });
  const lookUp = async (phoneNumber: string): Promise<unknown> =>
    (await post('numbers/lookup', { phoneNumber }).expect(200)).body.verified;

  afterEach(() => service.close());

  // This test fails if `hashNumber` in verification-table.ts hashes the number as the client spells it.
  it.each(PHONES)(
    'is one number for limits, verify, look-up and erase (%s)',
    async (_what, ...phone) => {
      await start();
      for (const [first, second] of [phone, phone.toReversed()] as [string, string][]) {
        const { body } = await send(first).expect(200);
        expectProblem(await send(second), 429, 'cooldown_active');
        const [otpCode] = await service.getReceivedCodes(phone[1]);
        await post('verify', { phoneNumber: second, otpCode }).expect(200, { verified: true });
        expect([await lookUp(first), await lookUp(second)]).toEqual([true, true]);

        await post('numbers/erase', { phoneNumber: second }).expect(204);
        expect([await lookUp(first), await lookUp(second)]).toEqual([false, false]);
        expectProblem(await service.http.get(`/otp/${body.pinId}`), 404, 'verification_not_found');
        service.clock.advance(seconds(30));
      }
    },
  );

  it.each(PHONES)('has one masked number (%s)', async (_what, spelling, identity) => {
    await start();
    const { body } = await send(spelling).expect(200);
    const status = await service.http.get(`/otp/${body.pinId}`).expect(200);

    expect([body.to, status.body.to]).toEqual(
      Array(2).fill(`${identity.slice(0, 5)}•••${identity.slice(-4)}`),
    );
  });

  it('is one number with NUMBER_CHECK=possible, too', async () => {
    await start({ NUMBER_CHECK: 'possible' });
    for (const [, spelling, identity] of PHONES.slice(3)) {
      await send(identity).expect(200);

      expectProblem(await send(spelling), 429, 'cooldown_active');
    }
  });

  it('is one test number', async () => {
    await start({ TEST_NUMBERS: '+541123456789:123456,+5531987654321:123456' });
    for (const phoneNumber of ['+5491123456789', '+541123456789', '+553187654321']) {
      await send(phoneNumber).expect(200);
      const body = { phoneNumber, otpCode: '123456' };
      await post('verify', body).expect(200, { verified: true });
    }
  });
});

describe('An Argentine number without the 9', () => {
  let service: SandboxedService;
  const [typed, mobile] = ['+541123456789', '+5491123456789'];
  const sinch = { PROVIDERS: 'sinch' };

  const send = (channel?: string) =>
    service.http.post('/otp/send').send({ phoneNumber: typed, channel });

  afterEach(() => service.close());

  it('gets calls as a fixed line, and no SMS with the same code', async () => {
    service = await startSandboxedService();
    const { body } = await send('voice').expect(200);
    const [otpCode] = await service.getReceivedCodes(typed);
    service.clock.advance(seconds(30));
    const resend = (channel: string) =>
      service.http.post('/otp/resend').send({ pinId: body.pinId, channel });

    expectProblem(await resend('sms'), 403, 'destination_not_allowed');
    await resend('voice').expect(200);
    expect(await service.getReceivedChannels(typed)).toEqual(['voice', 'voice']);
    expect(await service.getReceivedCodes(mobile)).toEqual([]);
    const verify = { phoneNumber: mobile, otpCode };
    await service.http.post('/otp/verify').send(verify).expect(200, { verified: true });
  });

  // This test fails without `assertIsOnChannel` of `checkResend` in number-policy.ts.
  it.each([
    ['whatsapp', sinch],
    ['sms', { ...sinch, BLOCKED_NUMBER_TYPES: 'none' }],
    ['sms', { BLOCKED_NUMBER_TYPES: 'none' }],
    ['sms', { TRUSTED_PREFIXES: '+5411' }],
  ])('gets no resend by %s of a code that it got by a call (%j)', async (channel, settings) => {
    service = await startSandboxedService(settings);
    const { body } = await send('voice').expect(200);
    service.clock.advance(seconds(30));
    const resend = await service.http.post('/otp/resend').send({ pinId: body.pinId, channel });

    expectProblem(resend, 403, 'destination_not_allowed');
    expect(resend.body.detail).toBe(
      `This code can be sent to this number by voice only. Send a new code by ${channel}.`,
    );
    expect(await service.getReceivedChannels(typed)).toEqual(['voice']);
    expect(await service.getReceivedChannels(mobile)).toEqual([]);
    await send(channel).expect(200);
    expect(await service.getReceivedChannels(mobile)).toEqual([channel]);
  });

  it('gets no call where calls to fixed lines are blocked', async () => {
    service = await startSandboxedService({ BLOCKED_NUMBER_TYPES: 'voice:FIXED_LINE' });

    expectProblem(await send('voice'), 403, 'destination_not_allowed');
    await send('sms').expect(200);
    expect(await service.getReceivedChannels(mobile)).toEqual(['sms']);
  });

  it('is called at the same number through Sinch', async () => {
    service = await startSandboxedService(sinch);
    await send('voice').expect(200);
    const [otpCode] = await service.getReceivedCodes(typed);
    const verify = { phoneNumber: mobile, otpCode };

    await service.http.post('/otp/verify').send(verify).expect(200, { verified: true });
  });
});
