import { wrong } from '../support/codes.js';
import { expectProblem } from '../support/problem.js';
import { hang, reply, startScriptedUpstream } from '../support/scripted-upstream.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';
import { scaled } from '../support/time-scale.js';
import { seconds } from '../../src/common/durations.js';

const NUMBER = '+14155552671';

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

  it('makes a repeated send the same send', async () => {
    const first = await send('a').expect(200);
    const repeat = await send('a').expect(200);

    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(repeat.text).toBe(first.text);
    expect(await service.codesOf(NUMBER)).toHaveLength(1);
  });

  it('makes one text of a hundred sends at a time, all answered alike or told to wait', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => send('a')));

    const taken = answers.filter(({ status }) => status === 200);
    expect(new Set(taken.map(({ text }) => text)).size).toBe(1);
    answers
      .filter(({ status }) => status !== 200)
      .forEach((answer) => {
        expectProblem(answer, 409, 'request_in_progress');
      });
    expect(await service.codesOf(NUMBER)).toHaveLength(1);
  });

  it('is refused for another request, even a nearly equal one', async () => {
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

  it('does not mind in what order a body names its fields', async () => {
    await send('a', { phoneNumber: NUMBER, channel: 'sms' });

    await send('a', { channel: 'sms', phoneNumber: NUMBER }).expect(200);
  });

  it('lets a caller whose connection broke hear again that the code was right', async () => {
    const { pinId } = (await send('a')).body;
    const [otpCode = ''] = await service.codesOf(NUMBER);
    await verify('b', { pinId, otpCode }).expect(200, { verified: true });

    const repeat = await verify('b', { pinId, otpCode }).expect(200, { verified: true });
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    const { body } = await verify('c', { pinId, otpCode });
    expect(body).toEqual({ verified: false, reason: 'already_verified' });
  });

  it('repeats a wrong code without costing another attempt', async () => {
    const { pinId } = (await send('a')).body;
    const [code = ''] = await service.codesOf(NUMBER);
    const otpCode = wrong(code);
    await verify('b', { pinId, otpCode });
    await verify('b', { pinId, otpCode });

    const { body } = await verify('c', { pinId, otpCode });
    expect(body.attemptsRemaining).toBe(3);
  });

  it('makes a repeated resend the same resend', async () => {
    const { pinId } = (await send('a')).body;
    service.clock.advance(seconds(30));
    const resend = () =>
      service.http.post('/otp/resend').set('idempotency-key', 'r').send({ pinId });
    const first = await resend().expect(200);

    expect((await resend().expect(200)).text).toBe(first.text);
    expect(await service.codesOf(NUMBER)).toHaveLength(2);
  });

  it('does not keep a refusal', async () => {
    await send('a');
    expectProblem(await send('b'), 429, 'cooldown_active');
    service.clock.advance(seconds(30));

    await send('b').expect(200);
  });

  it.each(['', 'x'.repeat(256), 'tab\there'])(
    'that cannot be one (%j) is not valid',
    async (key) => {
      expectProblem(await send(key), 400, 'validation_failed');
    },
  );

  it('never sends again once a text may have left', async () => {
    const upstream = await startScriptedUpstream();
    const other = await startService({
      INFOBIP_BASE_URL: upstream.url,
      PROVIDER_TIMEOUT: `${scaled(100)}ms`,
    });
    const keyed = () =>
      other.http.post('/otp/send').set('idempotency-key', 'a').send({ phoneNumber: NUMBER });
    upstream.answer(hang);
    expectProblem(await keyed(), 504, 'provider_timeout');
    upstream.answer(reply(200, { pinId: 'VENDOR-PIN', smsStatus: 'MESSAGE_SENT' }));

    const repeat = await keyed();

    expectProblem(repeat, 504, 'provider_timeout');
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(upstream.requests).toHaveLength(1);
    await other.close();
    await upstream.close();
  });

  it('sends again where certainly nothing left', async () => {
    const upstream = await startScriptedUpstream();
    const other = await startService({ INFOBIP_BASE_URL: upstream.url });
    const keyed = () =>
      other.http.post('/otp/send').set('idempotency-key', 'a').send({ phoneNumber: NUMBER });
    upstream.answer(reply(429, {}));
    expectProblem(await keyed(), 503, 'provider_unavailable');
    upstream.answer(reply(200, { pinId: 'VENDOR-PIN', smsStatus: 'MESSAGE_SENT' }));

    expect((await keyed()).status).toBe(200);
    await other.close();
    await upstream.close();
  });
});
