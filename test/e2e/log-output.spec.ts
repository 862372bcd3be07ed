import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../../src/common/durations.js';
import { scrape, total } from '../support/metrics.js';
import { toModuleUrl } from '../support/module-url.js';
import { connectTo, refusesConnections } from '../support/raw-connection.js';
import { startReplica, type Replica } from '../support/replica.js';
import { scaleTimeLimit } from '../support/time-scale.js';

/** The log lines of this many requests exceed MAX_BUFFER_BYTES, so the service cannot keep them all. */
const MANY_REQUESTS = 16_000;
const FEW_REQUESTS = 2_000;
/** The service answers at most 32 pipelined requests of a connection. */
const REQUESTS_PER_CONNECTION = 25;
/** Has the longest accepted request id, which makes its log line long. */
const REQUEST = `GET /nowhere HTTP/1.1\r\nhost: localhost\r\nx-request-id: ${'-abcdefg'.repeat(16)}\r\n`;
const LAST_REQUEST = `${REQUEST}connection: close\r\n\r\n`;

const TIMEOUT_MS = 60_000;

const LOST = 'log lines were lost: standard output could not be written';

const CRASH_ON_SIGNAL = toModuleUrl(`
  process.on('SIGUSR2', () => { throw new Error('a crash of this test'); });
`);

describe('The log of a service', () => {
  let folder: string;
  let replica: Replica;
  /** The file descriptor of the pipe's read end, as long as nothing reads from it. */
  let unread: number | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'otp-log-'));
  });

  afterEach(async () => {
    await replica.kill();
    if (unread !== undefined) closeSync(unread);
    unread = undefined;
    rmSync(folder, { recursive: true });
  });

  async function start(stdout?: number, preload?: string): Promise<void> {
    const settings = { NODE_ENV: 'test', INFOBIP_BASE_URL: 'http://127.0.0.1:9', DATA_DIR: folder };
    replica = await startReplica(settings, {
      ...(stdout !== undefined && { stdout }),
      ...(preload !== undefined && { preload }),
    });
    if (stdout !== undefined) closeSync(stdout);
  }

  /** Starts the service with a pipe as its standard output, from which nothing reads. */
  async function startWithPipe(preload?: string): Promise<void> {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    unread = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    await start(openSync(path, 'w'), preload);
  }

  /** Sends pipelined requests. @returns the number of responses */
  async function load(requests: number): Promise<number> {
    let responses = 0;
    for (let sent = 0; sent < requests; sent += REQUESTS_PER_CONNECTION) {
      const connection = await connectTo(replica.url);
      connection.write(`${REQUEST}\r\n`.repeat(REQUESTS_PER_CONNECTION - 1) + LAST_REQUEST);
      responses += (await connection.answer).split('HTTP/1.1 404').length - 1;
    }
    return responses;
  }

  const countLost = async () => total(await scrape(replica.url), 'otp_log_lines_lost_total');

  /** Starts to read from the pipe. @returns what was read so far, and when the service has closed it */
  function readPipe(): { readonly text: string; readonly end: Promise<unknown> } {
    if (unread === undefined) throw new Error('There is no pipe to read from.');
    const socket = new Socket({ fd: unread, readable: true, writable: false });
    unread = undefined;
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    return {
      get text() {
        return text;
      },
      end: new Promise((resolve) => socket.once('close', resolve)),
    };
  }

  /** Parses the log lines. They come after the `curl` examples that the service prints at its start. */
  const parse = (text: string) =>
    text
      .slice(text.lastIndexOf('curl '))
      .split('\n')
      .slice(1)
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  const countRequests = (text: string) => text.split('"msg":"request"').length - 1;

  // This test fails if stdout-stream.ts has no `error` listener, or always retries on EAGAIN.
  it.each([
    ['is on a full disk', async () => start(openSync('/dev/full', 'w'))],
    [
      'has no reader anymore',
      async () => {
        await startWithPipe();
        if (unread !== undefined) closeSync(unread);
        unread = undefined;
      },
    ],
    ['has a reader that stands still', async () => startWithPipe()],
  ])(
    'loses lines, but no request, if it %s',
    async (_title, startService) => {
      await startService();

      expect(await load(MANY_REQUESTS)).toBe(MANY_REQUESTS);

      await replica.http.get('/health/live').expect(200);
      await replica.http.get('/health/ready').expect(200);
      expect(await countLost()).toBeGreaterThan(0);
      replica.signal('SIGTERM');
      expect(await replica.ended()).toBe(0);
    },
    TIMEOUT_MS,
  );

  // This test fails without `recovered` in stdout-stream.ts.
  it(
    'has only whole lines, and the number of lost lines, once its reader reads again',
    async () => {
      await startWithPipe();
      await load(MANY_REQUESTS);

      const reader = readPipe();
      while (!reader.text.includes(LOST)) await delay(10);
      const lost = await countLost();
      expect(await load(FEW_REQUESTS)).toBe(FEW_REQUESTS);
      const kept = MANY_REQUESTS - lost + FEW_REQUESTS;
      // At its exit the service waits only a second for a slow reader.
      while (countRequests(reader.text) < kept) await delay(50);
      replica.signal('SIGTERM');
      await reader.end;

      const lines = parse(reader.text);
      expect(lines.filter(({ msg }) => msg === LOST)).toEqual([
        expect.objectContaining({ level: 'warn', lines: lost, code: 'EAGAIN' }),
      ]);
      expect(lines.filter(({ msg }) => msg === 'request')).toHaveLength(kept);
      expect(lines.at(-1)).toMatchObject({ msg: 'stopped' });
    },
    TIMEOUT_MS,
  );

  it(
    'loses no line if its disk is full for a moment',
    async () => {
      const path = join(folder, 'log');
      await start(openSync(path, 'a'));
      // Simulates a full disk: writes beyond the limit fail.
      const limitFileSize = (bytes: string) =>
        execFileSync('prlimit', ['--pid', String(replica.pid), `--fsize=${bytes}:unlimited`]);
      limitFileSize('10000');
      await load(FEW_REQUESTS);
      while (readFileSync(path).length < 10_000) await delay(10);

      limitFileSize('unlimited');
      replica.signal('SIGTERM');
      expect(await replica.ended()).toBe(0);

      const lines = parse(readFileSync(path, 'utf8'));
      expect(lines.filter(({ msg }) => msg === 'request')).toHaveLength(FEW_REQUESTS);
      expect(lines.at(-1)).toMatchObject({ msg: 'stopped' });
    },
    TIMEOUT_MS,
  );

  // This test fails without the loop in `flushAtExit` of stdout-stream.ts.
  it(
    'has its last lines, and the number of lost lines, if its reader reads again only at the shutdown',
    async () => {
      await startWithPipe();
      await load(MANY_REQUESTS);
      replica.signal('SIGTERM');
      while (!(await refusesConnections(replica.url))) await delay(10);

      const reader = readPipe();
      await reader.end;

      const messages = parse(reader.text).map(({ msg }) => msg);
      expect(messages).toEqual(expect.arrayContaining(['stopped', LOST]));
    },
    TIMEOUT_MS,
  );

  it('has the cause of a crash, which is also on standard error', async () => {
    await start(openSync(join(folder, 'log'), 'a'), CRASH_ON_SIGNAL);

    replica.signal('SIGUSR2');

    expect(await replica.ended()).not.toBe(0);
    expect(parse(readFileSync(join(folder, 'log'), 'utf8')).at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'crashed',
      err: { message: 'a crash of this test' },
    });
    expect(replica.output).toContain('a crash of this test');
  });

  it('does not delay a crash for long if its reader stands still', async () => {
    await startWithPipe(CRASH_ON_SIGNAL);
    await load(FEW_REQUESTS);

    const signalledAt = performance.now();
    replica.signal('SIGUSR2');

    expect(await replica.ended()).not.toBe(0);
    expect(performance.now() - signalledAt).toBeLessThan(scaleTimeLimit(seconds(10)));
    expect(replica.output).toContain('a crash of this test');
  });
});
