import { HEADER_COMPONENTS } from '../../src/openapi/response-headers.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const SITE = 'https://app.example.com';
const shop = newApiKey('shop');

/** The response headers of openapi.json, in lower case. */
const RESPONSE_HEADERS = new Set(
  Object.keys(HEADER_COMPONENTS).map((name) => name.replace('-Optional', '').toLowerCase()),
);

describe('Browser security', () => {
  let service: SandboxedService;

  afterEach(() => service.close());

  const preflight = (origin: string) =>
    service.http
      .options('/otp/send')
      .set('origin', origin)
      .set('access-control-request-method', 'POST')
      .set('access-control-request-headers', 'authorization,content-type,idempotency-key');

  it('allows no page of another origin to call the API by default', async () => {
    service = await startSandboxedService();
    const preflightResponse = await preflight(SITE);
    const response = await service.http.get('/otp/x').set('origin', SITE);

    for (const { headers } of [preflightResponse, response]) {
      expect(Object.keys(headers).filter((name) => name.includes('access-control'))).toEqual([]);
    }
    expect(preflightResponse.status).toBe(405);
  });

  it('allows the pages of an origin in CORS_ORIGINS to call and to read the response headers', async () => {
    service = await startSandboxedService({ CORS_ORIGINS: SITE, API_KEYS: shop.entry });
    const preflightResponse = await preflight(SITE);
    const response = await createClientAgent(service.url, shop.key)
      .get('/otp/x')
      .set('origin', SITE);

    expect(preflightResponse.status).toBe(204);
    expect(preflightResponse.headers).toMatchObject({
      'access-control-allow-origin': SITE,
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers':
        'authorization, content-type, idempotency-key, traceparent, x-request-id',
    });
    expect(response.status).toBe(404);
    expect(response.headers['access-control-allow-origin']).toBe(SITE);
    const exposed = response.headers['access-control-expose-headers'] ?? '';
    expect(new Set(exposed.toLowerCase().split(/, ?/))).toEqual(RESPONSE_HEADERS);
    expect(response.headers['access-control-allow-credentials']).toBeUndefined();
  });

  it.each([
    ['/otp/send', 405, 'method_not_allowed'],
    ['/nothing', 404, 'not_found'],
  ] as const)('answers an OPTIONS %s that is no preflight with %i', async (path, status, code) => {
    service = await startSandboxedService({ CORS_ORIGINS: SITE });

    expectProblem(await service.http.options(path).set('origin', SITE), status, code);
  });

  it.each([
    ['GET', '/nothing'],
    ['GET', '/%zz'],
    ['POST', '/otps/send'],
  ])('answers %s %s with 404 and no Allow if CORS_ORIGINS is set', async (method, path) => {
    service = await startSandboxedService({ CORS_ORIGINS: SITE });
    const response = await fetch(`${service.url}${path}`, { method });

    expect(response.status).toBe(404);
    expect(response.headers.get('allow')).toBeNull();
    expect(await response.json()).toMatchObject({
      code: 'not_found',
      detail: expect.stringContaining('No route has this path.'),
    });
  });

  it.each([
    'https://app.example.com.evil.test',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://evil.test',
    'null',
  ])('does not allow %s if CORS_ORIGINS lists other origins', async (origin) => {
    service = await startSandboxedService({ CORS_ORIGINS: `${SITE}, https://other.example.com` });

    expect((await preflight(origin)).headers['access-control-allow-origin']).not.toBe(origin);
    expect(
      (await service.http.get('/otp/x').set('origin', origin)).headers[
        'access-control-allow-origin'
      ],
    ).not.toBe(origin);
  });

  it('forbids browsers to cache, run or frame a response', async () => {
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
