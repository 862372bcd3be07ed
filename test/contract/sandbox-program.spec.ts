import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../support/free-port.js';
import { run } from '../support/program.js';
import { FURNISHED, TO } from '../support/sandbox.js';

/** What `npm run build:test` builds first. */
const BUILD = resolve('.test-build');
const PROGRAM = `exec node ${join(BUILD, 'sandbox/main.js')}`;
const PAGE = readFileSync('docs/sandbox.md', 'utf8');
const [, DOCUMENTED = ''] = /```sh\n([^]*?)```/.exec(PAGE) ?? [];
const TARGET = resolve('test/support/sandbox-load-target.mjs');

const WARM_UP = 600;
const SENDS = 1_200;
const PATIENCE_MS = 60_000;

describe('The sandbox alone', () => {
  it(
    'is a program, ready in a moment, with the key that it is told, and ends when asked',
    async () => {
      const port = String(await freePort());
      const url = `http://127.0.0.1:${port}`;
      const started = performance.now();
      const program = run(PROGRAM, BUILD, {
        SANDBOX_PORT: port,
        SANDBOX_API_KEY: 'the-key',
      });

      await program.printed(/is running at/);

      // Half a second on an idle machine; this one may be busy.
      expect(performance.now() - started).toBeLessThan(5_000);
      const list = (key: string) =>
        fetch(`${url}/2fa/2/applications`, { headers: { authorization: `App ${key}` } });
      expect((await list('the-key')).status).toBe(200);
      expect((await list('another')).status).toBe(401);
      await program.stop();
      expect(await program.ended()).toBe(0);
    },
    PATIENCE_MS,
  );

  it('is asked as the page says', async () => {
    const port = String(await freePort());
    const sandbox = run(PROGRAM, BUILD, { SANDBOX_PORT: port });
    await sandbox.printed(/is running at/);

    const asking = run(`set -e\n${DOCUMENTED.replaceAll('3999', port)}`, BUILD);

    expect(await asking.ended()).toBe(0);
    expect(asking.output).toContain('"smsStatus":"MESSAGE_SENT"');
    expect(asking.output).toMatch(/\[\{"to":"41793026727","from":"Sandbox"/);
    await sandbox.stop();
  });

  it('reads .env, where the environment does not say otherwise', async () => {
    const [port, other] = [await freePort(), await freePort()];
    const cwd = mkdtempSync(join(tmpdir(), 'otp-sandbox-'));
    writeFileSync(join(cwd, '.env'), `PORT=3000\nSANDBOX_PORT=${String(port)}\n`);

    const told = run(PROGRAM, cwd);
    await told.printed(new RegExp(`is running at http://127.0.0.1:${String(port)}\\.`));
    const overruled = run(PROGRAM, cwd, { SANDBOX_PORT: String(other) });
    await overruled.printed(new RegExp(`is running at http://127.0.0.1:${String(other)}\\.`));

    await Promise.all([told.stop(), overruled.stop()]);
    rmSync(cwd, { recursive: true });
  });

  it.each(['port', '0', '65536', '3999.5'])('refuses the port %s in a line', async (port) => {
    const refused = run(PROGRAM, BUILD, { SANDBOX_PORT: port });

    expect(await refused.ended()).toBe(1);
    expect(refused.output).toMatch(/^The sandbox cannot start: SANDBOX_PORT must be .+\n$/);
  });

  it('takes a setting that is empty for one that is absent', async () => {
    const settings = { SANDBOX_PORT: '', SANDBOX_API_KEY: '' };

    const sandbox = run(PROGRAM, BUILD, settings);

    // It says so too where that port is taken.
    await sandbox.printed(/127\.0\.0\.1:3999/);
    await sandbox.stop();
  });
});

describe('A send to the sandbox', () => {
  /** CPU microseconds that a send costs the server. */
  async function cpuPerSend(build?: string): Promise<number> {
    const child = fork(TARGET, build === undefined ? [] : [build]);
    const exited = once(child, 'exit');
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    try {
      const url = await told<string>(child);
      await sendMany(url, agent, WARM_UP);
      const before = await usage(child);
      await sendMany(url, agent, SENDS);
      return ((await usage(child)) - before) / SENDS;
    } finally {
      agent.destroy();
      child.kill();
      await exited;
    }
  }

  it(
    'costs at most eight times what a bare server needs for the same',
    async () => {
      const bare = await cpuPerSend();
      const sandbox = await cpuPerSend(BUILD);

      expect(sandbox / bare).toBeLessThan(8);
    },
    PATIENCE_MS,
  );
});

const told = async <T>(child: ChildProcess): Promise<T> => (await once(child, 'message'))[0] as T;

async function usage(child: ChildProcess): Promise<number> {
  child.send('cpu?');
  const { user, system } = await told<NodeJS.CpuUsage>(child);
  return user + system;
}

/** Sends this often to one number, sixteen at a time, so that a list that is walked would show. */
async function sendMany(url: string, agent: Agent, times: number): Promise<void> {
  const one = JSON.stringify({ ...FURNISHED, to: TO });
  let left = times;
  const work = async () => {
    while (left-- > 0) await send(url, agent, one);
  };
  await Promise.all(Array.from({ length: 16 }, work));
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
