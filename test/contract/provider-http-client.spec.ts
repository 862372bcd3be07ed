import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { HttpService } from '@nestjs/axios';
import { Agent } from 'undici';
import { providersConfig } from '../../src/config/providers.config.js';
import { InfobipClient } from '../../src/providers/infobip/infobip.client.js';
import { createUndiciAxios } from '../../src/providers/undici-adapter.js';
import { testEnvironment } from '../support/config.js';
import { catchProviderError } from '../support/providers-module.js';
import {
  hang,
  dropConnection,
  reply,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { scaleTimeLimit } from '../support/time-scale.js';

const SHORT_TIMEOUT_MS = 50;

const neverSent = { failure: 'connection_failed', ambiguous: false };
const okReply = reply(200, {});

describe('ProviderHttpClient', () => {
  let upstream: ScriptedUpstream;
  let agent: Agent;

  beforeEach(async () => {
    upstream = await startScriptedUpstream();
    upstream.answer(okReply);
  });

  afterEach(async () => {
    await agent.destroy();
    await upstream.close();
  });

  /** Creates a function that posts through connections with these options. */
  function createPost(options: Agent.Options = {}, { url } = upstream) {
    agent = new Agent(options);
    const env = testEnvironment({ INFOBIP_BASE_URL: url, PROVIDER_TIMEOUT: '20s' });
    const http = new HttpService(createUndiciAxios(agent));
    const client = new InfobipClient(http, providersConfig(env));
    return (name: string, timeoutMs?: number) => client.post('', { name }, { timeoutMs });
  }

  const receivedNames = () =>
    upstream.requests.map(({ body }) => (JSON.parse(body) as { name: string }).name);

  it('reports a certainly unsent request when its connection is closed and no new one can be made', async () => {
    const closingUpstream = await startScriptedUpstream();
    closingUpstream.answer(okReply);
    const post = createPost({}, closingUpstream);
    await post('first');
    await closingUpstream.close();

    expect(await catchProviderError(post('second'))).toMatchObject(neverSent);
  });

  it('reports a possibly sent request when a reused connection breaks', async () => {
    const post = createPost();
    await post('first');
    // The client waits one turn of the event loop before it reuses a connection.
    await nextTurn();
    upstream.answer(dropConnection);

    expect(await catchProviderError(post('second'))).toMatchObject({
      failure: 'connection_lost',
      ambiguous: true,
    });
    expect(new Set(upstream.requests.map(({ remotePort }) => remotePort)).size).toBe(1);
  });

  it('fails at once when the deadline has passed', async () => {
    const post = createPost();
    upstream.answer(hang);

    const startedAt = performance.now();
    await catchProviderError(post('late', 0));
    await catchProviderError(post('later', -1));
    // PROVIDER_TIMEOUT is 20 s.
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });

  it('asks for no compression, and reads a compressed response all the same', async () => {
    const post = createPost();
    const json = JSON.stringify({ pinId: 'ABC' });
    for (const [encoding, bytes] of [
      ['gzip', gzipSync(json)],
      ['GZIP', gzipSync(json)],
      ['deflate', deflateSync(json)],
      ['br', brotliCompressSync(json)],
      ['identity', Buffer.from(json)],
      ['deflate, gzip', gzipSync(deflateSync(json))],
    ] as const) {
      upstream.answer((response) => response.setHeader('content-encoding', encoding).end(bytes));

      expect((await post('request')).body).toEqual({ pinId: 'ABC' });
    }
    expect(upstream.requests[0]?.headers['accept-encoding']).toBe('identity');
  });

  it.each([
    ['gzip', Buffer.from('{}')],
    // Larger than a response may be, once decompressed.
    ['gzip', gzipSync(Buffer.alloc(10_000_000))],
    ['compress', Buffer.from('{}')],
  ])('keeps the status of a response that cannot be decoded (%s)', async (encoding, bytes) => {
    const post = createPost();
    upstream.answer((response) =>
      response.writeHead(401, { 'content-encoding': encoding }).end(bytes),
    );

    expect(await post('request')).toMatchObject({ status: 401, body: '' });
  });

  it('ignores a byte order mark before the JSON of a response', async () => {
    const post = createPost();
    upstream.answer(reply(200, '\uFEFF{"pinId":"ABC"}'));

    expect((await post('request')).body).toEqual({ pinId: 'ABC' });
  });

  it('closes the connection when no response arrives in time', async () => {
    const post = createPost();
    const closed = new Promise((resolve) => {
      upstream.answer((response) => response.once('close', resolve));
    });

    expect(await catchProviderError(post('request', scaleTimeLimit(1_000)))).toMatchObject({
      failure: 'timed_out',
    });
    await closed;
  });

  it('never sends a request that waited too long behind another', async () => {
    const post = createPost({ connections: 1 });
    let answerFirst: () => void = () => undefined;
    const firstArrived = new Promise<void>((resolve) => {
      upstream.answer((response) => {
        answerFirst = () => {
          okReply(response);
        };
        resolve();
      });
    });
    const first = post('first');
    await firstArrived;

    expect(await catchProviderError(post('second', SHORT_TIMEOUT_MS))).toMatchObject(neverSent);

    upstream.answer(okReply);
    answerFirst();
    await first;
    await post('third');
    expect(receivedNames()).toEqual(['first', 'third']);
  });

  it('never sends a request that waited too long for its connection', async () => {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    let connectLate: () => void = () => undefined;
    const post = createPost({
      connect: (_options, callback) => {
        connectLate = () => {
          const socket = connect(port, '127.0.0.1', () => {
            callback(null, socket);
          });
        };
      },
    });

    expect(await catchProviderError(post('request', SHORT_TIMEOUT_MS))).toMatchObject(neverSent);

    let bytes = '';
    const closed = new Promise((resolve) => {
      server.on('connection', (socket) => {
        socket.on('data', (chunk) => {
          bytes += chunk.toString('latin1');
          socket.destroy();
        });
        socket.on('close', resolve);
      });
    });
    connectLate();
    await closed;
    expect(bytes).toBe('');
    server.close();
  });
});
