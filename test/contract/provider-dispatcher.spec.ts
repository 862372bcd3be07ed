import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HttpService } from '@nestjs/axios';
import type { Dispatcher } from 'undici';
import { hours, minutes } from '../../src/common/durations.js';
import { outboundConfig } from '../../src/config/outbound.config.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { InfobipClient } from '../../src/providers/infobip/infobip.client.js';
import { createProviderDispatcher } from '../../src/providers/provider-dispatcher.js';
import { createUndiciAxios } from '../../src/providers/undici-adapter.js';
import { newApiKey } from '../support/api-key.js';
import { testEnvironment } from '../support/config.js';
import { startForwardProxy, type ForwardProxy } from '../support/forward-proxy.js';
import { freePort } from '../support/services/ports.js';
import { catchProviderError } from '../support/providers-module.js';

const REMOTE = 'https://account.api.infobip.test';

describe('Calls to a provider', () => {
  let dispatcher: Dispatcher | undefined;

  afterEach(async () => {
    await dispatcher?.destroy();
    dispatcher = undefined;
  });

  async function createPost(url: string, settings: NodeJS.ProcessEnv = {}) {
    const env = testEnvironment({
      INFOBIP_BASE_URL: url,
      INFOBIP_API_KEY: 'key',
      INFOBIP_APP_ID: 'application',
      INFOBIP_MESSAGE_ID: 'message',
      API_KEYS: newApiKey('shop').entry,
      ...settings,
    });
    dispatcher = await createProviderDispatcher(providersConfig(env), outboundConfig(env));
    const http = new HttpService(createUndiciAxios(dispatcher));
    const client = new InfobipClient(http, providersConfig(env));
    return () => client.post('', {});
  }

  describe('with a proxy', () => {
    let proxy: ForwardProxy;

    afterEach(() => proxy.close());

    const respondWith = (text: string) => (socket: Socket) => socket.end(text);

    // If the proxy's hang-up gave undici's own error, undici would reconnect 500 times a second, for ever.
    it.each<[string, (socket: Socket) => unknown, string]>([
      ['wants other credentials', respondWith('HTTP/1.1 407 No\r\n\r\n'), 'PROXY_STATUS_407'],
      ['cannot reach the provider', respondWith('HTTP/1.1 502 No\r\n\r\n'), 'PROXY_STATUS_502'],
      ['hangs up', (socket) => socket.end(), 'PROXY_UND_ERR_SOCKET'],
      ['resets the connection', (socket) => socket.resetAndDestroy(), 'PROXY_ECONNRESET'],
      ['does not speak HTTP', respondWith('hello\r\n\r\n'), 'PROXY_INVALID_RESPONSE'],
    ])('fail at once and are not sent if the proxy %s', async (_what, handle, code) => {
      proxy = await startForwardProxy(handle);
      const post = await createPost(REMOTE, { HTTPS_PROXY: proxy.url });

      expect(await catchProviderError(post())).toMatchObject({
        failure: 'connection_failed',
        ambiguous: false,
        message: `connection_failed (${code})`,
      });
      expect(proxy.tunnels).toHaveLength(1);
    });

    it('fail without being sent, and disconnect, if the proxy does not answer in time', async () => {
      let disconnected: Promise<unknown> | undefined;
      proxy = await startForwardProxy((socket) => {
        disconnected = once(socket.resume(), 'end');
      });
      const post = await createPost(REMOTE, { HTTPS_PROXY: proxy.url, PROVIDER_TIMEOUT: '50ms' });

      expect(await catchProviderError(post())).toMatchObject({
        failure: 'connection_failed',
        ambiguous: false,
      });
      await disconnected;
    });

    it('fail and are not sent if the tunnel breaks in the TLS handshake', async () => {
      proxy = await startForwardProxy((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.once('data', () => socket.destroy());
      });
      const post = await createPost(REMOTE, { HTTPS_PROXY: proxy.url });

      expect(await catchProviderError(post())).toMatchObject({
        failure: 'connection_failed',
        ambiguous: false,
        message: 'connection_failed (ECONNRESET)',
      });
    });

    it.each([
      [{ HTTP_PROXY: 'USER:P%40SS@' }, `Basic ${btoa('USER:P@SS')}`],
      [{ https_proxy: 'user:pass@' }, `Basic ${btoa('user:pass')}`],
    ])('take the proxy and its credentials from %j', async (variables, authorization) => {
      proxy = await startForwardProxy(respondWith('HTTP/1.1 407 No\r\n\r\n'));
      const settings = Object.fromEntries(
        Object.entries(variables).map(([name, user]) => [
          name,
          proxy.url.replace('//', `//${user}`),
        ]),
      );
      const post = await createPost(REMOTE, settings);
      await catchProviderError(post());

      const target = 'account.api.infobip.test:443';
      expect(proxy.tunnels).toEqual([{ target, authorization }]);
    });

    it.each<NodeJS.ProcessEnv>([
      { https_proxy: '', HTTPS_PROXY: '', http_proxy: '', HTTP_PROXY: '' },
      { NO_PROXY: '*' },
      { NO_PROXY: 'other.test, .infobip.test' },
      { no_proxy: 'infobip.test:443' },
    ])('are sent without the proxy if the settings contain %j', async (variables) => {
      proxy = await startForwardProxy(respondWith('HTTP/1.1 407 No\r\n\r\n'));
      const post = await createPost(REMOTE, { HTTPS_PROXY: proxy.url, ...variables });

      const { message } = await catchProviderError(post());
      expect(message).not.toContain('PROXY');
      expect(proxy.tunnels).toEqual([]);
    });

    it('are sent without the proxy to this machine', async () => {
      proxy = await startForwardProxy(respondWith('HTTP/1.1 407 No\r\n\r\n'));
      const { server, url } = await listen(await freePort(), '127.0.0.1', (_request, response) =>
        response.end('{}'),
      );
      const post = await createPost(url, { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url });

      expect(await post()).toMatchObject({ status: 200 });
      server.close();
    });
  });

  it('follow a host name to its new address after five minutes', async () => {
    const port = await freePort();
    const replyWith: (body: string) => RequestListener = (body) => (_request, response) => {
      response.writeHead(200, { 'keep-alive': 'timeout=600' }).end(body);
    };
    const servers = [
      await listen(port, '127.0.0.1', replyWith('1')),
      await listen(port, '127.0.0.2', replyWith('2')),
    ];
    let address = '127.0.0.1';
    jest.spyOn(dns, 'lookup').mockImplementation(((
      _host: string,
      _options: object,
      callback: (error: null, addresses: dns.LookupAddress[]) => void,
    ) => {
      callback(null, [{ address, family: 4 }]);
    }) as typeof dns.lookup);
    const elapsed = performance.now.bind(performance);
    const now = jest.spyOn(performance, 'now');
    const systemTime = Date.now();
    const post = await createPost(`http://localhost:${String(port)}`);
    const postAndGetBody = async () => {
      // The client waits one turn of the event loop before it reuses a connection.
      await nextTurn();
      return (await post()).body;
    };

    expect(await postAndGetBody()).toBe(1);
    address = '127.0.0.2';
    expect(await postAndGetBody()).toBe(1);
    now.mockImplementation(() => elapsed() + minutes(5));
    // Set back the wall clock: undici's clientTtl uses it and would keep the old connection.
    jest.spyOn(Date, 'now').mockReturnValue(systemTime - hours(2));
    expect(await postAndGetBody()).toBe(2);

    jest.restoreAllMocks();
    await dispatcher?.destroy();
    servers.forEach(({ server }) => server.close());
  });
});

async function listen(
  port: number,
  host: string,
  listener: RequestListener,
): Promise<{ server: Server; url: string }> {
  const server = createServer(listener).listen(port, host);
  await once(server, 'listening');
  return { server, url: `http://${host}:${String((server.address() as AddressInfo).port)}` };
}
