import supertest from 'supertest';
import { newApiKey } from '../support/api-key.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, startService, type RunningService } from '../support/service.js';

const NUMBER = '+14155550123';

/** Names that an attacker's DNS server can resolve to 127.0.0.1, or that only look like this machine. */
const FOREIGN_HOSTS = [
  'evil.example',
  'localhost.evil.example',
  'evil-localhost',
  '127.0.0.1.evil.example',
  '1270.0.0.1',
  '192.0.2.1',
  '0.0.0.0',
  '[::2]',
  '',
];

const LOCAL_HOSTS = ['localhost', 'LocalHost', 'otp.localhost', '127.0.0.1', '127.1.2.3', '[::1]'];

const REAL_ACCOUNT = {
  INFOBIP_BASE_URL: 'https://account.api.infobip.com',
  INFOBIP_API_KEY: 'key',
  INFOBIP_APP_ID: 'application',
  INFOBIP_MESSAGE_ID: 'message',
};

describe('A service without API keys on a loopback address', () => {
  let service: RunningService;

  afterEach(() => service.close());

  const withPort = (host: string) => `${host}:${new URL(service.url).port}`;
  /** The request of a web page whose own name its DNS server resolves to 127.0.0.1. */
  const send = (host: string, path = '/otp/send') =>
    supertest(service.url)
      .post(path)
      .set({ host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })
      .send({ phoneNumber: NUMBER });

  it('rejects requests for other hosts, and sends no message', async () => {
    const sandboxed = await startSandboxedService();
    service = sandboxed;

    for (const host of [...FOREIGN_HOSTS, ...FOREIGN_HOSTS.map(withPort)])
      expectProblem(await send(host), 421, 'misdirected_request');
    expect(await sandboxed.getReceivedCodes(NUMBER)).toEqual([]);
  });

  it('answers requests for this machine by every name, with and without a port', async () => {
    service = await startSandboxedService();

    for (const host of [...LOCAL_HOSTS, ...LOCAL_HOSTS.map(withPort), 'localhost:1'])
      await service.http.get('/health/live').set({ host }).expect(200);
    await send('localhost').expect(200);
  });

  it('rejects requests for other hosts to the pages, the demo and unknown paths', async () => {
    service = await startSandboxedService();
    const host = withPort('evil.example');

    for (const path of ['/', '/demo', '/demo/state', '/docs', '/metrics', '/nowhere', '/%ff'])
      expectProblem(
        await supertest(service.url).get(path).set({ host }),
        421,
        'misdirected_request',
      );
    expectProblem(await send(host, '/demo/send'), 421, 'misdirected_request');
    await send(withPort('localhost'), '/demo/send').expect(200);
  });

  it('reads the host only in Host, whatever proxies it trusts', async () => {
    service = await startSandboxedService({ TRUST_PROXY: '1' });
    const request = send('evil.example').set({ 'x-forwarded-host': 'localhost' });

    expectProblem(await request, 421, 'misdirected_request');
    await send('localhost').set({ 'x-forwarded-host': 'otp.example.com' }).expect(200);
  });

  it('rejects requests for other hosts with a real account, too', async () => {
    service = await startService({ ...REAL_ACCOUNT, ALLOW_UNAUTHENTICATED: 'true' });

    expectProblem(await send('evil.example'), 421, 'misdirected_request');
  });
});

describe('A service with API keys, or on an address that other machines can reach', () => {
  const shop = newApiKey('shop');

  it.each([
    ['has API keys', { API_KEYS: shop.entry }],
    ['listens on every address', { HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' }],
  ])('answers requests for any host if it %s', async (_what, settings) => {
    const service = await startSandboxedService(settings);

    await supertest(service.url)
      .post('/otp/send')
      .set({ host: 'otp-service:3000', authorization: `Bearer ${shop.key}` })
      .send({ phoneNumber: NUMBER })
      .expect(200);
    await service.close();
  });
});
