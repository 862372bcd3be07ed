import type { Response } from 'supertest';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { reply, startScriptedUpstream } from '../support/scripted-upstream.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';
const shop = newApiKey('shop');

const quotaOf = ({ headers }: Response) => {
  const [, name, r, t] = /^"(\w+)";r=(\d+);t=(\d+)$/.exec(headers['ratelimit'] ?? '') ?? [];
  return { name, remaining: Number(r), seconds: Number(t) };
};

describe('What is left of a quota', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService({ THROTTLE_SEND_LIMIT: '3', THROTTLE_VERIFY_LIMIT: '4' });
  });

  afterEach(() => service.close());

  const post = (path: string, body: object) => service.http.post(path).send(body);

  it('is told with a send and its resend, which share a quota', async () => {
    const sent = await post('/otp/send', { phoneNumber: NUMBER });
    service.clock.advance(30_000);
    const resent = await post('/otp/resend', { pinId: sent.body.pinId });

    expect(sent.headers).toMatchObject({
      'ratelimit-policy': '"send";q=3;w=60',
      ratelimit: '"send";r=2;t=60',
    });
    expect(resent.headers).toMatchObject({
      'ratelimit-policy': '"send";q=3;w=60',
      ratelimit: '"send";r=1;t=30',
    });
  });

  it.each([
    ['a success', { phoneNumber: NUMBER }, 200],
    ['a field at fault', { phoneNumber: '+1' }, 400],
    ['a number that is not texted', { phoneNumber: '+19005551234' }, 403],
    ['a body that cannot be read', '{', 400],
  ])('is told with %s', async (_what, body, status) => {
    const response = await service.http
      .post('/otp/send')
      .set('content-type', 'application/json')
      .send(body);

    expect(response.status).toBe(status);
    expect(quotaOf(response)).toEqual({ name: 'send', remaining: 2, seconds: 60 });
  });

  it('is told with every answer of verify, to the refusal', async () => {
    const statuses = [];
    for (let i = 0; i < 5; i += 1) {
      const response = await post('/otp/verify', { pinId: 'x', otpCode: '000000' });
      statuses.push(response.status);
      expect(quotaOf(response)).toMatchObject({ name: 'verify', remaining: Math.max(0, 3 - i) });
    }

    expect(statuses).toEqual([404, 404, 404, 404, 429]);
  });

  it('is told with an answer to nobody', async () => {
    await service.close();
    service = await startSandboxedService({ API_KEYS: shop.entry });
    const response = await post('/otp/send', { phoneNumber: NUMBER });

    expect(response.status).toBe(401);
    expect(response.headers['ratelimit-policy']).toBe('"unauthenticated";q=30;w=60');
    expect(quotaOf(response)).toEqual({ name: 'unauthenticated', remaining: 29, seconds: 60 });
    expect(quotaOf(await createClientAgent(service.url, shop.key).get('/otp/x')).name).toBe(
      'verify',
    );
  });

  it('stands in no header of the throttler’s own', async () => {
    const { headers } = await post('/otp/send', { phoneNumber: NUMBER });

    expect(Object.keys(headers).filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
  });

  it('is never renewed later than Retry-After says', async () => {
    const { body } = await post('/otp/send', { phoneNumber: NUMBER });
    await post('/otp/send', { phoneNumber: '+14155552672' });
    // The last of the minute is refused for a cooldown of 30 seconds.
    const cooling = await post('/otp/resend', { pinId: body.pinId });

    expect(cooling.body.code).toBe('cooldown_active');
    expect(quotaOf(cooling)).toEqual({ name: 'send', remaining: 0, seconds: 60 });
    expect(cooling.headers['retry-after']).toBe('60');
    const spent = await post('/otp/send', { phoneNumber: NUMBER });
    expect(spent.body.code).toBe('too_many_requests');
    expect(spent.headers['retry-after']).toBe('60');
  });

  it('is told beside a failure of the provider, with the later of the two waits', async () => {
    const upstream = await startScriptedUpstream();
    upstream.answer(reply(429, {}, { 'retry-after': '7' }));
    const failing = await startService({
      INFOBIP_BASE_URL: upstream.url,
      THROTTLE_SEND_LIMIT: '1',
    });
    const response = await failing.http.post('/otp/send').send({ phoneNumber: NUMBER });

    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toBe('60');
    await failing.close();
    await upstream.close();
  });
});
