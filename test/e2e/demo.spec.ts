import { expectProblem } from '../support/problem.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { startSandboxedService, startService, type RunningService } from '../support/service.js';

const SCRIPTS = ['form.js', 'phone.js', 'api.js', 'digits.js', 'messages.js'].map(
  (name): [string, string] => [`/demo/${name}`, 'text/javascript; charset=utf-8'],
);

const INFOBIP = {
  INFOBIP_BASE_URL: 'https://account.api.infobip.com',
  INFOBIP_API_KEY: 'key',
  INFOBIP_APP_ID: 'application',
  INFOBIP_MESSAGE_ID: 'message',
};

const shop = newApiKey('shop');
const PRODUCTION = { NODE_ENV: 'production', API_KEYS: shop.entry };

describe('GET /demo', () => {
  let service: RunningService;

  beforeAll(async () => {
    service = await startSandboxedService();
  });

  afterAll(() => service.close());

  it.each([
    ['/demo', 'text/html; charset=utf-8'],
    ['/demo/form.css', 'text/css; charset=utf-8'],
    ['/demo/phone.css', 'text/css; charset=utf-8'],
    ...SCRIPTS,
  ])('serves %s as %s', async (path, type) => {
    const { headers } = await service.http.get(path).expect(200);

    expect(headers).toMatchObject({
      'content-type': type,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
  });

  it('allows its page only its own files, the API and the sandbox', async () => {
    const { headers, text } = await service.http.get('/demo');
    const [, sandbox = ''] = /name="sandbox" content="([^"]*)"/.exec(text) ?? [];

    expect(sandbox).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; ` +
        `connect-src 'self' ${sandbox}; ` +
        `base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    );
  });

  it.each(['/demo/nothing', '/demo/..%2fdemo.module.js'])('returns 404 for %s', async (path) => {
    expectProblem(await service.http.get(path), 404, 'not_found');
  });

  it('rejects POST with 405', async () => {
    expectProblem(await service.http.post('/demo'), 405, 'method_not_allowed');
  });

  it('escapes the URL of the sandbox in HTML', async () => {
    const url = 'http://127.0.0.1:9/a&lt=b';
    const other = await startService({ INFOBIP_BASE_URL: url });
    const { headers, text } = await other.http.get('/demo');

    expect(text).toContain('content="http://127.0.0.1:9/a&#38;lt=b"');
    expect(headers['content-security-policy']).toContain(`connect-src 'self' http://127.0.0.1:9;`);
    await other.close();
  });
});

describe('GET /demo without a demo page', () => {
  it.each([
    ['in production', { ...PRODUCTION, ...INFOBIP }],
    [
      'in production, even with a provider on this machine',
      { ...PRODUCTION, ...INFOBIP, INFOBIP_BASE_URL: 'http://127.0.0.1:9' },
    ],
    ['with a real account', { ...INFOBIP, ALLOW_UNAUTHENTICATED: 'true' }],
    ['if API_KEYS is set', { API_KEYS: shop.entry }],
  ])('returns 404 %s', async (_where, settings) => {
    const service = await startService(settings);
    const client = createClientAgent(service.url, shop.key);

    expectProblem(await client.get('/demo'), 404, 'not_found');
    expectProblem(await client.get('/demo/form.js'), 404, 'not_found');
    await service.close();
  });
});
