import type { Response } from 'supertest';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { reply, startScriptedUpstream } from '../support/scripted-upstream.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';
const shop = newApiKey('shop');

const rateLimitOf = ({ headers }: Response) => {
  const [, name, r, t] = /^"(\w+)";r=(\d+);t=(\d+)$/.exec(headers['ratelimit'] ?? '') ?? [];
  return { name, remaining: Number(r), seconds: Number(t) };
};

describe('The RateLimit headers', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService({ THROTTLE_SEND_LIMIT: '3', THROTTLE_VERIFY_LIMIT: '4' });
  });

  afterEach(() => service.close());

  const post = (path: string, body: object) => service.http.post(path).send(body);

  it('count sends and resends together', async () => {
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
    ['an invalid field', { phoneNumber: '+1' }, 400],
    ['a blocked number', { phoneNumber: '+19005551234' }, 403],
    ['an unreadable body', '{', 400],
  ])('are part of the response to %s', async (_what, body, status) => {
    const response = await service.http
      .post('/otp/send')
      .set('content-type', 'application/json')
      .send(body);

    expect(response.status).toBe(status);
    expect(rateLimitOf(response)).toEqual({ name: 'send', remaining: 2, seconds: 60 });
  });

  it('are part of every response of verify, the 429 included', async () => {
    const statuses = [];
    for (let i = 0; i < 5; i += 1) {
      const response = await post('/otp/verify', { pinId: 'x', otpCode: '000000' });
      statuses.push(response.status);
      expect(rateLimitOf(response)).toMatchObject({
        name: 'verify',
        remaining: Math.max(0, 3 - i),
      });
    }

    expect(statuses).toEqual([404, 404, 404, 404, 429]);
  });

  it('show the limit for requests without a valid key in a 401', async () => {
    await service.close();
    service = await startSandboxedService({ API_KEYS: shop.entry });
    const response = await post('/otp/send', { phoneNumber: NUMBER });

    expect(response.status).toBe(401);
    expect(response.headers['ratelimit-policy']).toBe('"unauthenticated";q=30;w=60');
    expect(rateLimitOf(response)).toEqual({ name: 'unauthenticated', remaining: 29, seconds: 60 });
    expect(rateLimitOf(await createClientAgent(service.url, shop.key).get('/otp/x')).name).toBe(
      'verify',
    );
  });

  it('replace the X-RateLimit headers of @nestjs/throttler', async () => {
    const { headers } = await post('/otp/send', { phoneNumber: NUMBER });

    expect(Object.keys(headers).filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
  });

  it('never give a reset time later than Retry-After, even if a cooldown ends earlier', async () => {
    const { body } = await post('/otp/send', { phoneNumber: NUMBER });
    await post('/otp/send', { phoneNumber: '+14155552672' });
    // The third request uses up the rate limit of the minute, and is rejected for a cooldown of 30 s.
    const inCooldown = await post('/otp/resend', { pinId: body.pinId });

    expect(inCooldown.body.code).toBe('cooldown_active');
    expect(rateLimitOf(inCooldown)).toEqual({ name: 'send', remaining: 0, seconds: 60 });
    expect(inCooldown.headers['retry-after']).toBe('60');
    const limited = await post('/otp/send', { phoneNumber: NUMBER });
    expect(limited.body.code).toBe('too_many_requests');
    expect(limited.headers['retry-after']).toBe('60');
  });

  it('never give a reset time later than Retry-After, even if a provider asks for a shorter wait', async () => {
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
