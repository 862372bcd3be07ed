import { wrongCode } from '../support/wrong-code.js';
import { expectProblem } from '../support/problem.js';
import { hang, reply, startScriptedUpstream } from '../support/scripted-upstream.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';
import { scaleTimeLimit } from '../support/time-scale.js';
import { seconds } from '../../src/common/durations.js';

const NUMBER = '+14155552671';
const SEND_COOLDOWN_MS = seconds(30);

describe('An Idempotency-Key', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService({ THROTTLE_SEND_LIMIT: '1000' });
  });

  afterEach(() => service.close());

  const send = (key: string, body: object = { phoneNumber: NUMBER }) =>
    service.http.post('/otp/send').set('idempotency-key', key).send(body);

  const verify = (key: string, body: object) =>
    service.http.post('/otp/verify').set('idempotency-key', key).send(body);

  it('returns the response of the first send to a repeated send', async () => {
    const first = await send('a').expect(200);
    const repeat = await send('a').expect(200);

    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(repeat.text).toBe(first.text);
    expect(await service.getReceivedCodes(NUMBER)).toHaveLength(1);
  });

  it('sends one message for a hundred concurrent sends: each gets the same response or 409', async () => {
    const responses = await Promise.all(Array.from({ length: 100 }, () => send('a')));

    const succeeded = responses.filter(({ status }) => status === 200);
    expect(new Set(succeeded.map(({ text }) => text)).size).toBe(1);
    responses
      .filter(({ status }) => status !== 200)
      .forEach((response) => {
        expectProblem(response, 409, 'request_in_progress');
      });
    expect(await service.getReceivedCodes(NUMBER)).toHaveLength(1);
  });

  it('is rejected for another request, even for one that differs in a single field', async () => {
    await send('a');

    expectProblem(
      await send('a', { phoneNumber: NUMBER, channel: 'voice' }),
      422,
      'idempotency_key_reused',
    );
    expectProblem(
      await verify('a', { phoneNumber: NUMBER, otpCode: '1234' }),
      422,
      'idempotency_key_reused',
    );
  });

  it('is rejected for a request that differs only in half of a surrogate pair', async () => {
    const { pinId } = (await send('a', { phoneNumber: NUMBER, reference: '\ufffd' })).body;
    const [code = ''] = await service.getReceivedCodes(NUMBER);
    const request = { pinId, otpCode: wrongCode(code) };
    await verify('b', { ...request, reference: '\ufffd' }).expect(200);

    for (const reference of ['\ud800', '\udfff'])
      expectProblem(await verify('b', { ...request, reference }), 422, 'idempotency_key_reused');
  });

  it('is accepted for the same request with its fields in another order', async () => {
    await send('a', { phoneNumber: NUMBER, channel: 'sms' });

    await send('a', { channel: 'sms', phoneNumber: NUMBER }).expect(200);
  });

  it('returns `verified: true` again to a client that lost the first response', async () => {
    const { pinId } = (await send('a')).body;
    const [otpCode = ''] = await service.getReceivedCodes(NUMBER);
    await verify('b', { pinId, otpCode }).expect(200, { verified: true });

    const repeat = await verify('b', { pinId, otpCode }).expect(200, { verified: true });
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    const { body } = await verify('c', { pinId, otpCode });
    expect(body).toEqual({ verified: false, reason: 'already_verified' });
  });

  it('counts one attempt for a wrong code that is submitted twice with one key', async () => {
    const { pinId } = (await send('a')).body;
    const [code = ''] = await service.getReceivedCodes(NUMBER);
    const otpCode = wrongCode(code);
    await verify('b', { pinId, otpCode });
    await verify('b', { pinId, otpCode });

    const { body } = await verify('c', { pinId, otpCode });
    // Two of five attempts are counted: one for each key.
    expect(body.attemptsRemaining).toBe(3);
  });

  it('returns the response of the first resend to a repeated resend', async () => {
    const { pinId } = (await send('a')).body;
    service.clock.advance(SEND_COOLDOWN_MS);
    const resend = () =>
      service.http.post('/otp/resend').set('idempotency-key', 'r').send({ pinId });
    const first = await resend().expect(200);

    expect((await resend().expect(200)).text).toBe(first.text);
    expect(await service.getReceivedCodes(NUMBER)).toHaveLength(2);
  });

  it('can be used again if its send was rejected', async () => {
    await send('a');
    expectProblem(await send('b'), 429, 'cooldown_active');
    service.clock.advance(SEND_COOLDOWN_MS);

    await send('b').expect(200);
  });

  it.each(['', 'x'.repeat(256), 'tab\there'])('is rejected if it is invalid: %j', async (key) => {
    expectProblem(await send(key), 400, 'validation_failed');
  });

  it('is ignored, even if it is invalid, on the routes that do not document it', async () => {
    const { pinId } = (await send('a')).body;
    const statuses: number[] = [];
    for (const [method, path, body] of [
      ['post', '/otp/numbers/lookup', { phoneNumber: NUMBER }],
      ['get', `/otp/${pinId}`, undefined],
      ['delete', `/otp/${pinId}`, undefined],
      ['post', '/otp/numbers/erase', { phoneNumber: NUMBER }],
    ] as const) {
      const request = service.http[method](path).set('idempotency-key', 'x'.repeat(256));
      statuses.push((await request.send(body)).status);
    }

    expect(statuses).toEqual([200, 200, 204, 204]);
  });

  it('prevents a second message if the first may have been sent', async () => {
    const upstream = await startScriptedUpstream();
    const otherService = await startService({
      INFOBIP_BASE_URL: upstream.url,
      PROVIDER_TIMEOUT: `${scaleTimeLimit(100)}ms`,
    });
    const sendWithKey = () =>
      otherService.http.post('/otp/send').set('idempotency-key', 'a').send({ phoneNumber: NUMBER });
    upstream.answer(hang);
    expectProblem(await sendWithKey(), 504, 'provider_timeout');
    upstream.answer(reply(200, { pinId: 'PROVIDER-PIN', smsStatus: 'MESSAGE_SENT' }));

    const repeat = await sendWithKey();

    expectProblem(repeat, 504, 'provider_timeout');
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(upstream.requests).toHaveLength(1);
    await otherService.close();
    await upstream.close();
  });

  it('allows another send if certainly no message was sent', async () => {
    const upstream = await startScriptedUpstream();
    const otherService = await startService({ INFOBIP_BASE_URL: upstream.url });
    const sendWithKey = () =>
      otherService.http.post('/otp/send').set('idempotency-key', 'a').send({ phoneNumber: NUMBER });
    upstream.answer(reply(429, {}));
    expectProblem(await sendWithKey(), 503, 'provider_unavailable');
    upstream.answer(reply(200, { pinId: 'PROVIDER-PIN', smsStatus: 'MESSAGE_SENT' }));

    expect((await sendWithKey()).status).toBe(200);
    await otherService.close();
    await upstream.close();
  });
});
