import { request as httpRequest } from 'node:http';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const SPENT = 429;

describe('Whose address counts', () => {
  let service: SandboxedService;

  afterEach(() => service.close());

  const start = async (settings: NodeJS.ProcessEnv) => {
    service = await startSandboxedService({ THROTTLE_VERIFY_LIMIT: '2', ...settings });
  };

  /** Asks as somebody whom the proxies tell of by this header. */
  const askAs = async (forwarded: string) =>
    (await service.http.get('/otp/x').set('x-forwarded-for', forwarded)).status;

  /** How the third call ends, after two that used up the limit. */
  async function third([first, second, last]: readonly [string, string, string]): Promise<number> {
    await askAs(first);
    await askAs(second);
    return askAs(last);
  }

  it('is the peer where no proxy is trusted, whatever is claimed', async () => {
    await start({});

    expect(await third(['192.0.2.1', '192.0.2.2', '192.0.2.3'])).toBe(SPENT);
  });

  it('is the peer where only other proxies are trusted', async () => {
    await start({ TRUST_PROXY: '10.0.0.0/8' });

    expect(await third(['192.0.2.1', '192.0.2.2', '192.0.2.3'])).toBe(SPENT);
  });

  it.each([
    ['one hop', '1'],
    ['a network', '127.0.0.0/8,::1'],
  ])('is what a trusted proxy saw: %s', async (_what, TRUST_PROXY) => {
    await start({ TRUST_PROXY });

    expect(await third(['192.0.2.1', '192.0.2.2', '192.0.2.3'])).toBe(404);
    expect(await third(['192.0.2.9', '192.0.2.9', '192.0.2.9'])).toBe(SPENT);
  });

  it.each([
    ['one hop', '1'],
    ['a network', '127.0.0.0/8'],
  ])('is not what somebody claimed to that proxy: %s', async (_what, TRUST_PROXY) => {
    await start({ TRUST_PROXY });

    expect(
      await third(['192.0.2.1, 198.51.100.7', '192.0.2.2, 198.51.100.7', '::1, 198.51.100.7']),
    ).toBe(SPENT);
  });

  it('is the second from the right behind two proxies', async () => {
    await start({ TRUST_PROXY: '2' });

    expect(
      await third(['192.0.2.1, 10.0.0.1', '192.0.2.1, 10.0.0.2', 'x, 192.0.2.1, 10.0.0.3']),
    ).toBe(SPENT);
    expect(await askAs('192.0.2.1, 192.0.2.5, 10.0.0.3')).toBe(404);
  });

  it('is one for a /64 of IPv6, and for an IPv4 in either spelling', async () => {
    await start({ TRUST_PROXY: '1' });

    expect(await third(['2001:db8::1', '2001:db8:0:0:ffff::2', '2001:0DB8::3'])).toBe(SPENT);
    expect(await askAs('2001:db8:0:1::1')).toBe(404);
    expect(await third(['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1'])).toBe(SPENT);
  });

  it('is the peer where a chain is malformed', async () => {
    await start({ TRUST_PROXY: '1', THROTTLE_VERIFY_LIMIT: '8' });
    const malformed = ['', ',', 'unknown', 'a'.repeat(5_000), '1.2.3', '0x7f000001', ';--', '%00'];
    for (const chain of malformed) expect([404, SPENT]).toContain(await askAs(chain));

    expect(await askAs('nobody')).toBe(SPENT);
    expect(await statusWithHeaders(service.url, ['192.0.2.1', '192.0.2.2'])).toBe(404);
  });
});

/** With the header twice, which no client library sends. */
async function statusWithHeaders(url: string, values: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-forwarded-for': [...values] };
    httpRequest(`${url}/otp/x`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}
