import { expectProblem } from '../support/problem.js';
import { callerWith, newApiKey } from '../support/api-key.js';
import { startSandboxedService, startService, type RunningService } from '../support/service.js';

const PARTS = ['form.js', 'phone.js', 'api.js', 'words.js'].map((name): [string, string] => [
  `/demo/${name}`,
  'text/javascript; charset=utf-8',
]);

const INFOBIP = {
  INFOBIP_BASE_URL: 'https://account.api.infobip.com',
  INFOBIP_API_KEY: 'key',
  INFOBIP_APP_ID: 'application',
  INFOBIP_MESSAGE_ID: 'message',
};

const shop = newApiKey('shop');
const PRODUCTION = { NODE_ENV: 'production', API_KEYS: shop.entry };

describe('The try-it page', () => {
  let service: RunningService;

  beforeAll(async () => {
    service = await startSandboxedService();
  });

  afterAll(() => service.close());

  it.each([
    ['/demo', 'text/html; charset=utf-8'],
    ['/demo/form.css', 'text/css; charset=utf-8'],
    ['/demo/phone.css', 'text/css; charset=utf-8'],
    ...PARTS,
  ])('has %s as %s', async (path, type) => {
    const { headers } = await service.http.get(path).expect(200);

    expect(headers).toMatchObject({
      'content-type': type,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
  });

  it('may load its own parts, and talk to the API and the sandbox, and nothing else', async () => {
    const { headers, text } = await service.http.get('/demo');
    const [, sandbox = ''] = /name="sandbox" content="([^"]*)"/.exec(text) ?? [];

    expect(sandbox).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; ` +
        `connect-src 'self' ${sandbox}; ` +
        `base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    );
  });

  it.each(['/demo/nothing', '/demo/..%2fdemo.module.js', '/demo/'])(
    'has nothing at %s',
    async (path) => {
      expectProblem(await service.http.get(path), 404, 'not_found');
    },
  );

  it('is read only', async () => {
    expectProblem(await service.http.post('/demo'), 405, 'method_not_allowed');
  });

  it('tells the address of the sandbox as it is, whatever HTML would make of it', async () => {
    const url = 'http://127.0.0.1:9/a&lt=b';
    const odd = await startService({ INFOBIP_BASE_URL: url });
    const { headers, text } = await odd.http.get('/demo');

    expect(text).toContain('content="http://127.0.0.1:9/a&#38;lt=b"');
    expect(headers['content-security-policy']).toContain(`connect-src 'self' http://127.0.0.1:9;`);
    await odd.close();
  });
});

describe('There is no try-it page', () => {
  it.each([
    ['in production', { ...PRODUCTION, ...INFOBIP }],
    [
      'in production, even with a provider on this machine',
      { ...PRODUCTION, ...INFOBIP, INFOBIP_BASE_URL: 'http://127.0.0.1:9' },
    ],
    ['in front of a real account', INFOBIP],
    ['where callers need a key', { API_KEYS: shop.entry }],
  ])('%s', async (_where, settings) => {
    const service = await startService(settings);
    const caller = callerWith(service.url, shop.key);

    expectProblem(await caller.get('/demo'), 404, 'not_found');
    expectProblem(await caller.get('/demo/form.js'), 404, 'not_found');
    await service.close();
  });
});
