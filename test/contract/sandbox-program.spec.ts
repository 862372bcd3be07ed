import { fork, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../support/services/ports.js';
import { spawnProgram } from '../support/child-program.js';
import { DEFAULT_IDS, PHONE_NUMBER, SINCH_APPLICATION } from '../support/sandbox.js';
import { reply, startScriptedUpstream } from '../support/scripted-upstream.js';
import { scaleTimeLimit } from '../support/time-scale.js';

/** Built by `npm run build:test`. */
const BUILD = resolve('.test-build');
const PROGRAM = `exec node ${join(BUILD, 'sandbox/main.js')}`;
const DOCUMENT = readFileSync('docs/sandbox.md', 'utf8');
const DOCUMENTED_COMMANDS = [...DOCUMENT.matchAll(/```sh\n([^]*?)```/g)]
  .map(([, commands = '']) => commands)
  .join('');
/** Every setting that the document names. */
const SETTINGS = [...new Set(DOCUMENT.match(/\bSANDBOX_[A-Z_]+\b/g))];
const LOAD_TARGET = resolve('test/support/sandbox-load-target.mjs');

/**
 * Sends before the measurement, so that the code is compiled. So many that a search of all PINs of the
 * number would take longer than the rest of a send.
 */
const WARM_UP = 8_000;
/** Measured sends. */
const SENDS = 1_200;
const TIMEOUT_MS = 60_000;

describe('The sandbox program', () => {
  it(
    'starts within seconds, accepts only SANDBOX_API_KEY, and exits with 0 on SIGTERM',
    async () => {
      const port = String(await freePort());
      const url = `http://127.0.0.1:${port}`;
      const startedAt = performance.now();
      const program = spawnProgram(PROGRAM, BUILD, {
        SANDBOX_PORT: port,
        SANDBOX_API_KEY: 'the-key',
      });

      await program.printed(/is running at/);

      // The start takes half a second on an idle machine. The test machine may be busy.
      expect(performance.now() - startedAt).toBeLessThan(scaleTimeLimit(5_000));
      const listApplications = (key: string) =>
        fetch(`${url}/2fa/2/applications`, { headers: { authorization: `App ${key}` } });
      expect((await listApplications('the-key')).status).toBe(200);
      expect((await listApplications('another')).status).toBe(401);
      await program.stop();
      expect(await program.ended()).toBe(0);
    },
    TIMEOUT_MS,
  );

  it('answers the commands of docs/sandbox.md as documented', async () => {
    const port = String(await freePort());
    const sandbox = spawnProgram(PROGRAM, BUILD, { SANDBOX_PORT: port });
    await sandbox.printed(/is running at/);

    const commands = spawnProgram(`set -e\n${DOCUMENTED_COMMANDS.replaceAll('3999', port)}`, BUILD);

    expect(await commands.ended()).toBe(0);
    expect(commands.output).toContain('"smsStatus":"MESSAGE_SENT"');
    expect(commands.output).toMatch(/\[\{"to":"41793026727","from":"Sandbox"/);
    expect(commands.output).toContain('{"to":"41793026727","pin":"123456"}');
    expect(commands.output).toContain('{"operation":"verify","kind":"unavailable","times":2}');
    expect(commands.output).toMatch(/\{"now":"[^"]+"\}/);
    expect(commands.output).toContain(
      '"notifyUrl":"http://127.0.0.1:3000/provider-reports/infobip"',
    );
    expect(commands.output).toContain(
      '"sinchCallbackUrl":"http://127.0.0.1:3000/provider-reports/sinch"',
    );
    expect(commands.output).toContain('"kind":"late"');
    await sandbox.stop();
  });

  it('reads settings from .env, and prefers the environment', async () => {
    const [port, other] = [await freePort(), await freePort()];
    const cwd = mkdtempSync(join(tmpdir(), 'otp-sandbox-'));
    writeFileSync(join(cwd, '.env'), `PORT=3000\nSANDBOX_PORT=${String(port)}\n`);

    const fromFile = spawnProgram(PROGRAM, cwd);
    await fromFile.printed(new RegExp(`is running at http://127.0.0.1:${String(port)}\\.`));
    const fromEnvironment = spawnProgram(PROGRAM, cwd, { SANDBOX_PORT: String(other) });
    await fromEnvironment.printed(new RegExp(`is running at http://127.0.0.1:${String(other)}\\.`));

    await Promise.all([fromFile.stop(), fromEnvironment.stop()]);
    rmSync(cwd, { recursive: true });
  });

  it.each([
    ['SANDBOX_PORT', 'port'],
    ['SANDBOX_PORT', '0'],
    ['SANDBOX_PORT', '65536'],
    ['SANDBOX_PORT', '3999.5'],
    ['SANDBOX_SINCH_CALLBACK_URL', 'http://127.0.0.1:30000000/x'],
    ['SANDBOX_INFOBIP_REPORT_URL', 'http://127.0.0.1:30000000/x'],
  ])('exits with one line that names the setting if %s is %s', async (setting, value) => {
    const program = spawnProgram(PROGRAM, BUILD, { [setting]: value });

    expect(await program.ended()).toBe(1);
    expect(program.output).toMatch(
      new RegExp(`^The sandbox cannot start: ${setting} must be .+\\n$`),
    );
  });

  it('sends reports to the URLs of its settings, with the credentials of its settings', async () => {
    const receiver = await startScriptedUpstream();
    receiver.answer(reply(200, { action: 'allow' }));
    const port = String(await freePort());
    const program = spawnProgram(PROGRAM, BUILD, {
      SANDBOX_PORT: port,
      SANDBOX_INFOBIP_REPORT_URL: `${receiver.url}/infobip`,
      SANDBOX_INFOBIP_REPORT_TOKEN: 'made-up-token',
      SANDBOX_INFOBIP_REPORT_HMAC_SECRET: 'made-up-delivery-key-01',
      SANDBOX_INFOBIP_REPORT_HMAC_HEADER: 'x-ours',
      SANDBOX_SINCH_CALLBACK_URL: `${receiver.url}/sinch`,
    });
    await program.printed(/is running at/);
    const post = (path: string, authorization: string, body: object) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify(body),
      });

    await post('/2fa/2/pin', 'App any', { ...DEFAULT_IDS, to: PHONE_NUMBER, trackDelivery: true });
    const { key, secret } = SINCH_APPLICATION;
    await post(
      '/verification/v1/verifications',
      `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
      { identity: { type: 'number', endpoint: `+${PHONE_NUMBER}` }, method: 'callout' },
    );
    await post('/sandbox/reports/deliver', '', {});

    const infobip = receiver.requests.find(({ path }) => path === '/infobip');
    expect(infobip?.headers).toMatchObject({
      'x-delivery-token': 'made-up-token',
      'x-ours': createHmac('sha256', 'made-up-delivery-key-01')
        .update(infobip?.body ?? '')
        .digest('hex'),
    });
    expect(receiver.requests.map(({ path }) => path)).toContain('/sinch');
    await program.stop();
    await receiver.close();
  });

  it('treats an empty setting as not set', async () => {
    const settings = Object.fromEntries(SETTINGS.map((name) => [name, '']));
    const source = readFileSync('src/sandbox/environment.ts', 'utf8');
    expect(SETTINGS).toEqual(expect.arrayContaining(source.match(/\bSANDBOX_[A-Z_]+\b/g) ?? ['']));

    const sandbox = spawnProgram(PROGRAM, BUILD, settings);

    // If another program uses port 3999, the error contains the address too.
    await sandbox.printed(/127\.0\.0\.1:3999/);
    await sandbox.stop();
  });
});

describe('The cost of a send to the sandbox', () => {
  /** Measures the CPU time of the server per send, in microseconds. */
  async function measureCpuPerSend(build?: string): Promise<number> {
    const child = fork(LOAD_TARGET, build === undefined ? [] : [build]);
    const exited = once(child, 'exit');
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    try {
      const url = await receiveMessage<string>(child);
      await sendMany(url, agent, WARM_UP);
      const before = await readCpuTime(child);
      await sendMany(url, agent, SENDS);
      return ((await readCpuTime(child)) - before) / SENDS;
    } finally {
      agent.destroy();
      child.kill();
      await exited;
    }
  }

  it(
    'is at most four times the CPU time of a bare Node server',
    async () => {
      const bare = await measureCpuPerSend();
      const sandbox = await measureCpuPerSend(BUILD);

      expect(sandbox / bare).toBeLessThan(4);
    },
    TIMEOUT_MS,
  );
});

const receiveMessage = async <T>(child: ChildProcess): Promise<T> =>
  (await once(child, 'message'))[0] as T;

async function readCpuTime(child: ChildProcess): Promise<number> {
  child.send('cpu?');
  const { user, system } = await receiveMessage<NodeJS.CpuUsage>(child);
  return user + system;
}

/**
 * Sends to one number, sixteen requests at a time. If each send searched all PINs of its number,
 * the measured CPU time would be too high.
 */
async function sendMany(url: string, agent: Agent, times: number): Promise<void> {
  const body = JSON.stringify({ ...DEFAULT_IDS, to: PHONE_NUMBER });
  let left = times;
  const sendInTurn = async () => {
    while (left-- > 0) await send(url, agent, body);
  };
  await Promise.all(Array.from({ length: 16 }, sendInTurn));
}

async function send(url: string, agent: Agent, body: string): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    authorization: 'App any',
  };
  const call = request(`${url}/2fa/2/pin`, { method: 'POST', agent, headers });
  call.end(body);
  const [response] = await once(call, 'response');
  if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`);
  response.resume();
  await once(response, 'end');
}
