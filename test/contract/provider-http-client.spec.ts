import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { HttpService } from '@nestjs/axios';
import { Agent } from 'undici';
import { ProviderHttpClient } from '../../src/providers/provider-http-client.js';
import { createUndiciAxios } from '../../src/providers/undici-adapter.js';
import { failureOf } from '../support/provider.js';
import {
  hang,
  hangUp,
  reply,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';

const LONG_MS = 20_000;
const SHORT_MS = 50;

const neverAsked = { failure: 'connection_failed', ambiguous: false };
const ok = reply(200, {});

describe('A call to a vendor', () => {
  let upstream: ScriptedUpstream;
  let agent: Agent;

  beforeEach(async () => {
    upstream = await startScriptedUpstream();
    upstream.answer(ok);
  });

  afterEach(async () => {
    await agent.destroy();
    await upstream.close();
  });

  /** What asks, over connections that are made as these options say. */
  function caller(options: Agent.Options = {}, { url } = upstream) {
    agent = new Agent(options);
    class Client extends ProviderHttpClient {
      protected readonly baseUrl = url;
      protected readonly createAuthHeaders = () => ({});
    }
    const client = new Client(new HttpService(createUndiciAxios(agent)), LONG_MS);
    return (name: string, timeoutMs?: number) => client.post('', { name }, { timeoutMs });
  }

  const received = () =>
    upstream.requests.map(({ body }) => (JSON.parse(body) as { name: string }).name);

  it('asked nothing where its old connection is closed and no new one comes about', async () => {
    const leaving = await startScriptedUpstream();
    leaving.answer(ok);
    const ask = caller({}, leaving);
    await ask('first');
    await leaving.close();

    expect(await failureOf(ask('second'))).toMatchObject(neverAsked);
  });

  it('may have asked where its old connection breaks', async () => {
    const ask = caller();
    await ask('first');
    // Before it uses that again, the client lets a turn of the event loop pass.
    await turn();
    upstream.answer(hangUp);

    expect(await failureOf(ask('second'))).toMatchObject({
      failure: 'connection_lost',
      ambiguous: true,
    });
    expect(new Set(upstream.requests.map(({ remotePort }) => remotePort)).size).toBe(1);
  });

  it('is given up at once where its deadline has passed', async () => {
    const ask = caller();
    upstream.answer(hang);

    await failureOf(ask('late', 0));
    await failureOf(ask('later', -1));
  });

  it('gives its connection up where its answer does not come', async () => {
    const ask = caller();
    const closed = new Promise((resolve) => {
      upstream.answer((response) => response.once('close', resolve));
    });

    expect(await failureOf(ask('request', 500))).toMatchObject({ failure: 'timed_out' });
    await closed;
  });

  it('that waits behind another for too long asks nothing, then or later', async () => {
    const ask = caller({ connections: 1 });
    let answerFirst: () => void = () => undefined;
    const firstArrived = new Promise<void>((resolve) => {
      upstream.answer((response) => {
        answerFirst = () => {
          ok(response);
        };
        resolve();
      });
    });
    const first = ask('first');
    await firstArrived;

    expect(await failureOf(ask('second', SHORT_MS))).toMatchObject(neverAsked);

    upstream.answer(ok);
    answerFirst();
    await first;
    await ask('third');
    expect(received()).toEqual(['first', 'third']);
  });

  it('that waits for its connection for too long asks nothing, then or later', async () => {
    const front = createServer();
    await once(front.listen(0, '127.0.0.1'), 'listening');
    const { port } = front.address() as AddressInfo;
    let connectAtLast: () => void = () => undefined;
    const ask = caller({
      connect: (_options, callback) => {
        connectAtLast = () => {
          const socket = connect(port, '127.0.0.1', () => {
            callback(null, socket);
          });
        };
      },
    });

    expect(await failureOf(ask('request', SHORT_MS))).toMatchObject(neverAsked);

    let bytes = '';
    const closed = new Promise((resolve) => {
      front.on('connection', (socket) => {
        socket.on('data', (chunk) => {
          bytes += chunk.toString('latin1');
          socket.destroy();
        });
        socket.on('close', resolve);
      });
    });
    connectAtLast();
    await closed;
    expect(bytes).toBe('');
    front.close();
  });
});
