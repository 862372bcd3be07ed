import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
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

const PHONE = '+14155550123';
const TAKEN = reply(200, { pinId: 'pin', to: PHONE.slice(1), smsStatus: 'MESSAGE_SENT' });
const POST_HEAD = 'POST /otp/send HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
/** The service drains for as long as the test wants to look. */
const LONG_DELAY = { SHUTDOWN_DELAY: '5m' };

describe('A service that is told to stop', () => {
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

  /** Looks again and again, for what happens in another process. */
  async function until(happened: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await happened())) await delay(10);
  }

  /** Begins a send and keeps the provider from answering: how it is let answer. */
  async function holdSend(): Promise<() => void> {
    const held: ServerResponse[] = [];
    provider.answer((response) => held.push(response));
    return () => {
      provider.answer(TAKEN);
      held.forEach(TAKEN);
    };
  }

  const send = () => replica.http.post('/otp/send').send({ phoneNumber: PHONE });
  const resend = () => replica.http.post('/otp/resend').send({ pinId: 'q8Jt1Xn0S2uYp4rVb6wLzA' });
  const providerAsked = () => until(() => provider.requests.length > 0);
  const closed = () => until(() => refusesConnections(replica.url));

  // In HealthController: the check of `shutdown.isDraining`; in GracefulShutdown: the onRequest hook.
  it('is unready at once, but takes what still comes and says “close”', async () => {
    await start(LONG_DELAY);
    provider.answer(TAKEN);
    const ask = async (path: string, init?: RequestInit) => {
      const { status, headers } = await fetch(replica.url + path, init);
      return `${status} ${headers.get('connection')}`;
    };
    expect(await ask('/health/ready')).toBe('200 keep-alive');

    replica.signal('SIGTERM');
    await until(() => replica.output.includes('stopping'));

    expect(await ask('/health/ready')).toBe('503 close');
    expect((await replica.http.get('/health/ready')).body.status).toBe('shutting_down');
    expect(await ask('/health/live')).toBe('200 close');
    expect(await ask('/unknown')).toBe('404 close');
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ phoneNumber: PHONE });
    expect(await ask('/otp/send', { method: 'POST', headers, body })).toBe('200 close');
  });

  // In shutdown.ts: `if (stopping)`.
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('ends at once on a second signal, %s', async (signal, code) => {
    await start(LONG_DELAY);
    replica.signal('SIGTERM');
    await until(() => replica.output.includes('stopping'));

    replica.signal(signal);

    expect(await replica.ended()).toBe(code);
  });

  // In SqliteConnection: `process.once('exit', keepOut)`; in sqlite-thread.ts: a lock for each job.
  it('ends at once with a statement under way', async () => {
    await start(LONG_DELAY);
    const file = new Libsql(join(dataDir, DATABASE_FILE));
    // What the service does at its start may still have the file.
    file.exec('pragma busy_timeout = 5000; begin immediate');
    const outcomes = [];
    for (const ask of [send, resend, resend]) {
      outcomes.push(
        ask().then(
          ({ status }) => status,
          () => 'no answer',
        ),
      );
      await fetch(`${replica.url}/health/live`);
    }
    replica.signal('SIGTERM');
    await until(() => replica.output.includes('stopping'));
    // That one has waited for the file; the others, which waited for it, do so now, one by one.
    expect(await outcomes.shift()).toBe(503);

    replica.signal('SIGTERM');

    expect(await replica.ended()).toBe(143);
    expect(await Promise.all(outcomes)).toEqual(['no answer', 'no answer']);
    file.close();
  });

  // In shutdown.ts: `if (signal === 'SIGTERM')`.
  it('waits for no balancer at a terminal', async () => {
    await start(LONG_DELAY);

    replica.signal('SIGINT');

    expect(await replica.ended()).toBe(0);
  });

  it('answers what it has taken, and ends with 0', async () => {
    await start();
    const release = await holdSend();
    const answer = send().then((response) => response);
    await providerAsked();

    replica.signal('SIGTERM');
    await closed();
    release();

    expect((await answer).status).toBe(200);
    expect(await replica.ended()).toBe(0);
    expect(replica.output.split('"stopping"')[1]).not.toMatch(/"level":"(warn|error|fatal)"/);
  });

  // In createAdapter: `return503OnClosing`.
  it('answers a request of which it had only a part when it stopped listening', async () => {
    await start();
    const connection = await connectTo(replica.url);
    connection.write('GET /health/live HTTP/1.1\r\n');
    await delay(50);
    replica.signal('SIGTERM');
    await closed();

    connection.write('host: a\r\n\r\n');

    const answer = await connection.answer;
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(await replica.ended()).toBe(0);
  });

  // In GracefulShutdown: the onClose hook.
  it('writes down what the provider says to a caller that hung up', async () => {
    await start();
    const release = await holdSend();
    const given = new AbortController();
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'mine' };
    const request = { method: 'POST', headers, body: JSON.stringify({ phoneNumber: PHONE }) };
    const answer = fetch(`${replica.url}/otp/send`, { ...request, signal: given.signal });
    await Promise.all([
      expect(answer).rejects.toThrow(),
      providerAsked().then(() => {
        given.abort();
      }),
    ]);

    replica.signal('SIGTERM');
    await closed();
    await delay(100);
    release();
    expect(await replica.ended()).toBe(0);

    await start();
    const repeated = await fetch(`${replica.url}/otp/send`, request);
    expect(repeated.status).toBe(200);
    expect(repeated.headers.get('idempotency-replayed')).toBe('true');
    expect(provider.requests).toHaveLength(1);
  });

  // In graceful-shutdown.ts: closeConnections.
  it('does not wait for connections on which nothing was asked', async () => {
    await start({ PROVIDER_TIMEOUT: '1s' });
    const connection = await connectTo(replica.url);

    replica.signal('SIGTERM');

    expect(await connection.answer).toBe('');
    expect(await replica.ended()).toBe(0);
  });

  // In graceful-shutdown.ts: the timer.
  it.each([
    ['half a head', 'GET /health/live HTTP/1.1\r\nhost: a\r\n', ''],
    ['half a body', `${POST_HEAD}content-length: 10\r\n\r\n{`, ''],
    [
      'no body that it announced',
      'PUT /otp/send HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n',
      '405',
    ],
    ['half a second request', 'GET /health/live HTTP/1.1\r\nhost: a\r\n\r\nGET', '200'],
  ])('does not wait for a caller that sends %s', async (_what, bytes, answered) => {
    await start({ PROVIDER_TIMEOUT: '1ms' });
    const connection = await connectTo(replica.url);
    connection.write(bytes);
    // What came first is read first.
    await replica.http.get('/health/live');

    replica.signal('SIGTERM');

    expect(await replica.ended()).toBe(0);
    expect(await connection.answer.catch(() => '')).toMatch(
      answered === '' ? /^$/ : `HTTP/1.1 ${answered}`,
    );
  });

  // In graceful-shutdown.ts: onIdle, and the timer's look at `currentResponse`.
  it('closes a connection that was to be kept alive once it is answered, and no sooner', async () => {
    // Shutdown gives up after 35 s, sooner than an idle connection would close by itself.
    await start({ PROVIDER_TIMEOUT: '15s' });
    const release = await holdSend();
    const connection = await connectTo(replica.url);
    const body = JSON.stringify({ phoneNumber: PHONE });
    connection.write(`${POST_HEAD}content-length: ${body.length}\r\n\r\n${body}`);
    await providerAsked();

    replica.signal('SIGTERM');
    await closed();
    // Past FORCE_CLOSE_AFTER_MS: from then on only the response closes the connection.
    await delay(4_500);
    release();

    expect(await connection.answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(await replica.ended()).toBe(0);
  });

  // In shutdown.ts: the timer.
  it('gives up on a request that is not done in time, says so and ends with 1', async () => {
    await start({ PROVIDER_TIMEOUT: '1ms' });
    const file = new Libsql(join(dataDir, DATABASE_FILE));
    file.exec('pragma busy_timeout = 5000; begin immediate');
    // Each waits for the file as long as a request may, one after another.
    const answers = [resend(), resend(), resend()].map((answer) => answer.catch(() => undefined));
    await until(async () =>
      (await replica.http.get('/metrics')).text.includes('otp_http_requests_in_flight 4'),
    );

    replica.signal('SIGTERM');

    expect(await replica.ended()).toBe(1);
    expect(replica.output).toContain('shutdown timed out with requests still running');
    await Promise.all(answers);
    file.close();
  });
});
