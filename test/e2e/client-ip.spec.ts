import { request as httpRequest } from 'node:http';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

/** The status of a request within the limit: its verification does not exist. */
const ALLOWED = 404;
/** The status of a request beyond the limit. */
const LIMITED = 429;

/** Values of `TRUST_PROXY` that trust the peer of these tests, which is on the loopback network. */
const TRUSTED = [
  ['one hop', '1'],
  ['a network', '127.0.0.0/8,::1'],
];

describe('The client IP for rate limits', () => {
  let service: SandboxedService;

  afterEach(() => service.close());

  const start = async (settings: NodeJS.ProcessEnv) => {
    service = await startSandboxedService({ THROTTLE_VERIFY_LIMIT: '2', ...settings });
  };

  /**
   * The status of a `GET /otp/:pinId` with this `X-Forwarded-For`. THROTTLE_VERIFY_LIMIT limits these
   * requests, too.
   */
  const statusFor = async (forwarded: string) =>
    (await service.http.get('/otp/x').set('x-forwarded-for', forwarded)).status;

  /** The status of the third request, after two that used up the limit. */
  async function thirdStatus([a, b, c]: readonly [string, string, string]): Promise<number> {
    await statusFor(a);
    await statusFor(b);
    return statusFor(c);
  }

  it('is the peer address if no proxy is trusted', async () => {
    await start({});

    expect(await thirdStatus(['192.0.2.1', '192.0.2.2', '192.0.2.3'])).toBe(LIMITED);
  });

  it('is the peer address if only other proxies are trusted', async () => {
    await start({ TRUST_PROXY: '10.0.0.0/8' });

    expect(await thirdStatus(['192.0.2.1', '192.0.2.2', '192.0.2.3'])).toBe(LIMITED);
  });

  it.each(TRUSTED)('is the address that the trusted proxy saw (%s)', async (_what, TRUST_PROXY) => {
    await start({ TRUST_PROXY });

    expect(await thirdStatus(['192.0.2.1', '192.0.2.2', '192.0.2.3'])).toBe(ALLOWED);
    expect(await thirdStatus(['192.0.2.9', '192.0.2.9', '192.0.2.9'])).toBe(LIMITED);
  });

  it.each(TRUSTED)(
    'is never an address that the client itself wrote into X-Forwarded-For (%s)',
    async (_what, TRUST_PROXY) => {
      await start({ TRUST_PROXY });

      expect(
        await thirdStatus([
          '192.0.2.1, 198.51.100.7',
          '192.0.2.2, 198.51.100.7',
          '::1, 198.51.100.7',
        ]),
      ).toBe(LIMITED);
    },
  );

  it('is the second address from the right behind two proxies', async () => {
    await start({ TRUST_PROXY: '2' });

    expect(
      await thirdStatus(['192.0.2.1, 10.0.0.1', '192.0.2.1, 10.0.0.2', 'x, 192.0.2.1, 10.0.0.3']),
    ).toBe(LIMITED);
    expect(await statusFor('192.0.2.1, 192.0.2.5, 10.0.0.3')).toBe(ALLOWED);
  });

  it('is the same for all addresses of an IPv6 /64, and for an IPv4 address written as IPv6', async () => {
    await start({ TRUST_PROXY: '1' });

    expect(await thirdStatus(['2001:db8::1', '2001:db8:0:0:ffff::2', '2001:0DB8::3'])).toBe(
      LIMITED,
    );
    expect(await statusFor('2001:db8:0:1::1')).toBe(ALLOWED);
    expect(await thirdStatus(['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1'])).toBe(LIMITED);
  });

  it('is the peer address if the header is malformed', async () => {
    const malformed = ['', ',', 'unknown', 'a'.repeat(5_000), '1.2.3', '0x7f000001', ';--', '%00'];
    await start({ TRUST_PROXY: '1', THROTTLE_VERIFY_LIMIT: String(malformed.length) });
    for (const chain of malformed) expect(await statusFor(chain)).toBe(ALLOWED);

    expect(await statusFor('no-address')).toBe(LIMITED);
    // Two headers are not malformed: the last address counts.
    expect(await statusWithTwoHeaders(service.url, ['192.0.2.1', '192.0.2.2'])).toBe(ALLOWED);
  });
});

/** The status of a request that has the header twice, which no client library sends. */
async function statusWithTwoHeaders(url: string, values: readonly string[]): Promise<number> {
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
