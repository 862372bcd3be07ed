import { callerWith, newApiKey } from '../support/api-key.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const SITE = 'https://app.example.com';
const shop = newApiKey('shop');

describe('A browser', () => {
  let service: SandboxedService;

  afterEach(() => service.close());

  const preflight = (origin: string) =>
    service.http
      .options('/otp/send')
      .set('origin', origin)
      .set('access-control-request-method', 'POST')
      .set('access-control-request-headers', 'authorization,content-type,idempotency-key');

  it('may let no page call unless it is said', async () => {
    service = await startSandboxedService();
    const asked = await preflight(SITE);
    const answered = await service.http.get('/otp/x').set('origin', SITE);

    for (const { headers } of [asked, answered]) {
      expect(Object.keys(headers).filter((name) => name.includes('access-control'))).toEqual([]);
    }
    expect(asked.status).toBe(405);
  });

  it('may let the pages of a listed origin call, and read what an answer says', async () => {
    service = await startSandboxedService({ CORS_ORIGINS: SITE, API_KEYS: shop.entry });
    const asked = await preflight(SITE);
    const answered = await callerWith(service.url, shop.key).get('/otp/x').set('origin', SITE);

    expect(asked.status).toBe(204);
    expect(asked.headers).toMatchObject({
      'access-control-allow-origin': SITE,
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'authorization, content-type, idempotency-key',
    });
    expect(answered.status).toBe(404);
    expect(answered.headers['access-control-allow-origin']).toBe(SITE);
    expect(answered.headers['access-control-expose-headers']).toContain('retry-after');
    expect(answered.headers['access-control-allow-credentials']).toBeUndefined();
  });

  it.each([
    ['/otp/send', 405, 'method_not_allowed'],
    ['/nothing', 404, 'not_found'],
  ] as const)(
    'hears of OPTIONS %s that is no preflight as anybody does',
    async (path, status, code) => {
      service = await startSandboxedService({ CORS_ORIGINS: SITE });

      expectProblem(await service.http.options(path).set('origin', SITE), status, code);
    },
  );

  it.each([
    'https://app.example.com.evil.test',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://evil.test',
    'null',
  ])('may not let %s call beside it', async (origin) => {
    service = await startSandboxedService({ CORS_ORIGINS: `${SITE}, https://other.example.com` });

    expect((await preflight(origin)).headers['access-control-allow-origin']).not.toBe(origin);
    expect(
      (await service.http.get('/otp/x').set('origin', origin)).headers[
        'access-control-allow-origin'
      ],
    ).not.toBe(origin);
  });

  it('is told to keep, run and frame nothing of an answer', async () => {
    service = await startSandboxedService();
    for (const path of ['/otp/x', '/health/live', '/nothing']) {
      expect((await service.http.get(path)).headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none';frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
    }
  });
});
