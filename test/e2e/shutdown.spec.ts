import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Libsql from 'libsql';
import { DATABASE_FILE } from '../../src/storage/engines/sqlite.js';
import { connectTo, refusesConnections } from '../support/raw-connection.js';
import { startReplica, type Replica } from '../support/replica.js';
import {
  reply,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { waitUntil } from '../support/wait-until.js';

const PHONE = '+14155550123';
const ACCEPTED = reply(200, { pinId: 'pin', to: PHONE.slice(1), smsStatus: 'MESSAGE_SENT' });
const PIN_ID = 'q8Jt1Xn0S2uYp4rVb6wLzA';
const POST_HEADERS = 'HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
const POST_HEAD = `POST /otp/send ${POST_HEADERS}`;
/** Longer than any test takes. */
const LONG_DELAY = { SHUTDOWN_DELAY: '5m' };

describe('Graceful shutdown', () => {
  let provider: ScriptedUpstream;
  let dataDir: string;
  let replica: Replica;

  beforeEach(async () => {
    provider = await startScriptedUpstream();
    dataDir = mkdtempSync(join(tmpdir(), 'otp-shutdown-'));
  });

  afterEach(async () => {
    await replica.kill();
    await provider.close();
    rmSync(dataDir, { recursive: true });
  });

  async function start(settings: NodeJS.ProcessEnv = {}): Promise<void> {
    replica = await startReplica({
      NODE_ENV: 'test',
      INFOBIP_BASE_URL: provider.url,
      DATA_DIR: dataDir,
      PROVIDER_TIMEOUT: '60s',
      ...settings,
    });
  }

  /** Makes the provider wait before it answers sends. @returns a function that makes it answer */
  async function delaySends(): Promise<() => void> {
    const pending: ServerResponse[] = [];
    provider.answer((response) => pending.push(response));
    return () => {
      provider.answer(ACCEPTED);
      pending.forEach(ACCEPTED);
    };
  }

  const send = () => replica.http.post('/otp/send').send({ phoneNumber: PHONE });
  const resend = () => replica.http.post('/otp/resend').send({ pinId: PIN_ID });
  const untilProviderCalled = () => waitUntil(() => provider.requests.length > 0);
  const untilConnectionsRefused = () => waitUntil(() => refusesConnections(replica.url));

  // This test fails without `shutdown.isDraining` in HealthController, and without the onRequest hook in
  // GracefulShutdown.
  it('reports 503 for readiness at once, but accepts requests and answers with Connection: close', async () => {
    await start(LONG_DELAY);
    provider.answer(ACCEPTED);
    const request = async (path: string, init?: RequestInit) => {
      const { status, headers } = await fetch(replica.url + path, init);
      return `${status} ${headers.get('connection')}`;
    };
    expect(await request('/health/ready')).toBe('200 keep-alive');

    replica.signal('SIGTERM');
    await waitUntil(() => replica.output.includes('stopping'));

    expect(await request('/health/ready')).toBe('503 close');
    expect((await replica.http.get('/health/ready')).body.status).toBe('shutting_down');
    expect(await request('/health/live')).toBe('200 close');
    expect(await request('/unknown')).toBe('404 close');
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ phoneNumber: PHONE });
    expect(await request('/otp/send', { method: 'POST', headers, body })).toBe('200 close');
  });

  // This test fails without the signals in signals.ts, and without `delay` in shutdown.ts.
  it.each(['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    'answers requests during SHUTDOWN_DELAY after %s, then exits with 0',
    async (signal) => {
      await start({ SHUTDOWN_DELAY: '1s' });
      const signalledAt = performance.now();

      replica.signal(signal);
      await waitUntil(() => replica.output.includes('stopping'));

      expect((await replica.http.get('/health/ready')).status).toBe(503);
      expect(await replica.ended()).toBe(0);
      // A timer may fire a millisecond early.
      expect(performance.now() - signalledAt).toBeGreaterThan(990);
    },
  );

  // This test fails without `handle = exitImmediately` in signals.ts.
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('exits at once on a second signal, %s', async (signal, code) => {
    await start(LONG_DELAY);
    replica.signal('SIGTERM');
    await waitUntil(() => replica.output.includes('stopping'));

    replica.signal(signal);

    expect(await replica.ended()).toBe(code);
  });

  // This test fails without `process.once('exit', …)` in SqliteConnection, and without the lock in
  // sqlite-worker.ts.
  it('exits at once on a second signal while a SQL statement runs', async () => {
    await start(LONG_DELAY);
    const file = new Libsql(join(dataDir, DATABASE_FILE));
    // Locks the database. The service may still hold a lock from its start: wait until that ends.
    file.exec('pragma busy_timeout = 5000; begin immediate');
    const outcomes = [];
    for (const sendRequest of [send, resend, resend]) {
      outcomes.push(
        sendRequest().then(
          ({ status }) => status,
          () => 'no answer',
        ),
      );
      await fetch(`${replica.url}/health/live`);
    }
    replica.signal('SIGTERM');
    await waitUntil(() => replica.output.includes('stopping'));
    // The first request has timed out waiting for the file. Now the others wait for it, one by one.
    expect(await outcomes.shift()).toBe(503);

    replica.signal('SIGTERM');

    expect(await replica.ended()).toBe(143);
    expect(await Promise.all(outcomes)).toEqual(['no answer', 'no answer']);
    file.close();
  });

  // This test fails without `if (signal !== 'SIGINT')` in shutdown.ts.
  it('skips SHUTDOWN_DELAY for SIGINT', async () => {
    await start(LONG_DELAY);

    replica.signal('SIGINT');

    expect(await replica.ended()).toBe(0);
  });

  it('answers the running request, then exits with 0', async () => {
    await start();
    const release = await delaySends();
    const pendingResponse = send().then((response) => response);
    await untilProviderCalled();

    replica.signal('SIGTERM');
    await untilConnectionsRefused();
    release();

    expect((await pendingResponse).status).toBe(200);
    expect(await replica.ended()).toBe(0);
    expect(replica.output.split('"stopping"')[1]).not.toMatch(/"level":"(warn|error|fatal)"/);
  });

  // This test fails without `return503OnClosing` in createFastifyAdapter.
  it('answers a request that was incomplete when the service stopped listening', async () => {
    await start();
    const connection = await connectTo(replica.url);
    connection.write('GET /health/live HTTP/1.1\r\n');
    await delay(50);
    replica.signal('SIGTERM');
    await untilConnectionsRefused();

    connection.write('host: localhost\r\n\r\n');

    const answer = await connection.answer;
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(await replica.ended()).toBe(0);
  });

  // This test fails if graceful-shutdown.ts closes a connection without a request at once.
  it('answers the first request on a connection from before the service stopped listening', async () => {
    await start();
    const connection = await connectTo(replica.url);
    replica.signal('SIGTERM');
    await untilConnectionsRefused();

    connection.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');

    const answer = await connection.answer;
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(await replica.ended()).toBe(0);
  });

  // This test fails without `acceptPending` in graceful-shutdown.ts.
  it('answers connections that wait to be accepted when the service stops', async () => {
    await start();
    // The kernel completes connections to a stopped process, like those to a busy one.
    replica.signal('SIGSTOP');
    const answers = [];
    for (let count = 0; count < 50; count++) {
      const connection = await connectTo(replica.url);
      connection.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
      answers.push(connection.answer.catch(String));
    }
    replica.signal('SIGINT');
    replica.signal('SIGCONT');

    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(await replica.ended()).toBe(0);
  });

  // This test fails without the onClose hook in GracefulShutdown.
  it('stores the result of a send whose client has disconnected', async () => {
    await start();
    const release = await delaySends();
    const abort = new AbortController();
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'mine' };
    const request = { method: 'POST', headers, body: JSON.stringify({ phoneNumber: PHONE }) };
    const pendingResponse = fetch(`${replica.url}/otp/send`, { ...request, signal: abort.signal });
    await Promise.all([
      expect(pendingResponse).rejects.toThrow(),
      untilProviderCalled().then(() => {
        abort.abort();
      }),
    ]);

    replica.signal('SIGTERM');
    await untilConnectionsRefused();
    await delay(100);
    release();
    expect(await replica.ended()).toBe(0);

    await start();
    const repeated = await fetch(`${replica.url}/otp/send`, request);
    expect(repeated.status).toBe(200);
    expect(repeated.headers.get('idempotency-replayed')).toBe('true');
    expect(provider.requests).toHaveLength(1);
  });

  // This test fails without `closeConnectionsOnShutdown` or `closeIfUnused` in graceful-shutdown.ts.
  it('does not wait for connections without a request', async () => {
    await start({ PROVIDER_TIMEOUT: '1s' });
    const unused = await connectTo(replica.url);
    const halfUsed = await connectTo(replica.url);
    halfUsed.write('GET /health/live HTTP/1.1\r\n');
    // The service has read the bytes once it answers this later request.
    await replica.http.get('/health/live');
    const closed: string[] = [];
    const answers = Promise.all([
      unused.answer.finally(() => closed.push('unused')),
      halfUsed.answer.catch(() => '').finally(() => closed.push('half used')),
    ]);

    replica.signal('SIGTERM');

    expect(await answers).toEqual(['', '']);
    expect(closed).toEqual(['unused', 'half used']);
    expect(await replica.ended()).toBe(0);
  });

  // This test fails without the timer in graceful-shutdown.ts.
  it.each([
    ['half a head', 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n', ''],
    ['half a body', `${POST_HEAD}content-length: 10\r\n\r\n{`, ''],
    [
      'no body after a Content-Length',
      'PUT /otp/send HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n',
      '405',
    ],
    ['half a second request', 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\nGET', '200'],
  ])('does not wait for a client that sends %s', async (_what, bytes, status) => {
    await start({ PROVIDER_TIMEOUT: '1s' });
    const connection = await connectTo(replica.url);
    connection.write(bytes);
    // The service has read the bytes once it answers this later request.
    await replica.http.get('/health/live');

    replica.signal('SIGTERM');

    expect(await replica.ended()).toBe(0);
    expect(await connection.answer.catch(() => '')).toMatch(
      status === '' ? /^$/ : `HTTP/1.1 ${status}`,
    );
  });

  // This test fails without `onIdle` and `hasCompleteRequest` in graceful-shutdown.ts.
  it('closes a keep-alive connection after its response, and no sooner', async () => {
    // Shutdown gives up after 45 s, sooner than an idle connection would close by itself.
    await start({ PROVIDER_TIMEOUT: '15s' });
    const release = await delaySends();
    const connection = await connectTo(replica.url);
    const body = JSON.stringify({ phoneNumber: PHONE });
    connection.write(`${POST_HEAD}content-length: ${body.length}\r\n\r\n${body}`);
    await untilProviderCalled();

    replica.signal('SIGTERM');
    await untilConnectionsRefused();
    // Past INCOMPLETE_REQUEST_TIMEOUT_MS: from then on only the response closes the connection.
    await delay(4_500);
    release();

    expect(await connection.answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(await replica.ended()).toBe(0);
  });

  // This test fails without `closeUnread` in shutdown.ts, for the late responses also without
  // `setInterval`.
  it.each([
    ['its responses', 0],
    // The resends wait for the locked file one after another, each for two seconds.
    ['responses that start after the longest time of a request', 4],
  ])('exits with 0 although a client does not read %s', async (_what, resends) => {
    await start({ PROVIDER_TIMEOUT: '1ms' });
    const file = new Libsql(join(dataDir, DATABASE_FILE));
    file.exec('pragma busy_timeout = 5000; begin immediate');
    const page = await (await fetch(`${replica.url}/docs`)).text();
    const [script = ''] = /docs\/assets-.+bundle\.js/.exec(page) ?? [];
    expect(script).not.toBe('');
    const client = connect(Number(new URL(replica.url).port), '127.0.0.1');
    client.on('error', () => undefined);
    const body = JSON.stringify({ pinId: PIN_ID });
    const post = `POST /otp/resend ${POST_HEADERS}content-length: ${body.length}\r\n\r\n${body}`;
    client.write(post.repeat(resends));
    // More than the buffers of both sockets can hold.
    client.write(`GET /${script} HTTP/1.1\r\nhost: localhost\r\n\r\n`.repeat(20));
    // The service has read the bytes once it answers this later request.
    await replica.http.get('/health/live');

    replica.signal('SIGTERM');
    // Longer than any request runs. The resends end once the file is unlocked.
    await delay(6_000);
    file.close();

    expect(await replica.ended()).toBe(0);
    client.destroy();
  });

  // This test fails without the timer of `onTimeout` in shutdown.ts.
  it('exits with 1 and an error in the log if a request takes too long', async () => {
    await start({ PROVIDER_TIMEOUT: '1ms' });
    const file = new Libsql(join(dataDir, DATABASE_FILE));
    file.exec('pragma busy_timeout = 5000; begin immediate');
    // The requests wait for the locked file one after another, each for two seconds.
    const responses = Array.from({ length: 16 }, () => resend().catch(() => undefined));
    // Sixteen resends, and the request for the metrics itself.
    await waitUntil(async () =>
      (await replica.http.get('/metrics')).text.includes('otp_http_requests_in_flight 17'),
    );

    replica.signal('SIGTERM');

    expect(await replica.ended()).toBe(1);
    expect(replica.output).toContain('shutdown timed out with requests still running');
    await Promise.all(responses);
    file.close();
  });
});
