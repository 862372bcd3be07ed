import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { minutes } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { buildImages, type Image, type Images } from '../support/container/image.js';
import {
  imageOptions,
  isHealthy,
  startImage,
  type RunningImage,
} from '../support/container/running-image.js';
import { spawnProgram } from '../support/child-program.js';
import { readCodes } from '../support/sandbox-calls.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { freePort } from '../support/services/ports.js';

jest.setTimeout(minutes(5));

const KEY = 'a-key-that-only-this-test-knows';
const API_KEYS = `test:${createHash('sha256').update(KEY).digest('hex')}`;
const PHONE = '+14155550177';

let images: Images<'default' | 'sandbox' | 'trial'>;
let running: RunningImage | undefined;

beforeAll(async () => {
  images = await buildImages('default', 'sandbox', 'trial');
});

afterAll(() => {
  rmSync(images.folder, { recursive: true, force: true });
});

afterEach(() => {
  running?.process.kill('SIGKILL');
  running = undefined;
});

describe('The container image', () => {
  let image: Image;
  let sandbox: Sandbox;
  let postgres: PostgresServer;

  beforeAll(async () => {
    image = images.of.default;
    [sandbox, postgres] = await Promise.all([startSandbox({ port: 0 }), startPostgres()]);
  });

  afterAll(() => Promise.all([sandbox.close(), postgres.stop()]));

  /** Runs the image's command until its health check passes; returns its URL and settings. */
  async function start(own: NodeJS.ProcessEnv = {}) {
    const settings = {
      PORT: String(await freePort()),
      OTP_SECRET: 'a master secret that only tests know of',
      API_KEYS,
      INFOBIP_BASE_URL: sandbox.url,
      INFOBIP_API_KEY: 'sandbox-key',
      INFOBIP_APP_ID: 'sandbox-application',
      INFOBIP_MESSAGE_ID: 'sandbox-message',
      SHUTDOWN_DELAY: '1ms',
      ...own,
      // The image listens on all addresses; a test only on 127.0.0.1.
      HOST: '127.0.0.1',
    };
    running = await startImage(image, settings);
    return { url: `http://127.0.0.1:${settings.PORT}`, service: running.process, settings };
  }

  async function post(url: string, body: object): Promise<Record<string, unknown>> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await response.json()) as Record<string, unknown>;
  }

  it.each([
    ['SQLite', async () => ({})],
    ['PostgreSQL', async () => ({ DATABASE_URL: await postgres.createDatabase() })],
  ])('sends and verifies a code on %s, and exits with 0 on SIGTERM', async (engine, settings) => {
    const phoneNumber = engine === 'SQLite' ? PHONE : PHONE.replace(/7$/, '8');
    const { url, service } = await start(await settings());

    const { pinId } = await post(`${url}/otp/send`, { phoneNumber });
    const [otpCode] = await readCodes(sandbox.url, phoneNumber);
    const result = await post(`${url}/otp/verify`, { pinId, otpCode });

    expect(result).toEqual({ verified: true });
    service.kill('SIGTERM');
    expect(await once(service, 'exit')).toEqual([0, null]);
    expect(running?.output).not.toMatch(/"level":"(error|fatal)"/);
  });

  it('runs as an unprivileged user, who can write only to the data folder', () => {
    const touch = (path: string) => spawnSync('touch', [path], imageOptions(image)).status;
    const dataFolder = join(image.workdir, 'data');
    const writable = ['-path', dataFolder, '-prune', '-o', '-writable', '-print'];

    expect(image.userName).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(touch('dist/new')).not.toBe(0);
    expect(touch('new')).not.toBe(0);
    expect(touch('data/new')).toBe(0);
    const options = { ...imageOptions(image), encoding: 'utf8' } as const;
    const found = spawnSync('find', [image.root, ...writable], options);
    expect(found).toMatchObject({ status: 0, stdout: '' });
  });

  it.each([
    ['otp doctor', /^ok +settings +The settings can be used/],
    ['otp infobip:setup --dry-run', /^Dry run: nothing was changed\.$/m],
    ['otp keys:new shop', /^Entry, for API_KEYS: +shop:[0-9a-f]{64}$/m],
    ['otp pumping:replay', /^Of \d+ verifications, with /],
    ['otp proof:new', /^\{"keys":\[\{"kty":"OKP","crv":"Ed25519",/],
    ['otp usage --from 2026-11-01 --to 2026-11-30', /^Usage from 2026-11-01 to 2026-11-30/],
    ['npm run --silent keys:new -- shop', /^Entry, for API_KEYS: +shop:/m],
  ])('runs `%s` without a compiler and source code', async (command, printed) => {
    const { service, settings } = await start();

    // Rejects on any exit code but 0.
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command], {
      ...imageOptions(image, { ...settings, HOME: images.folder }),
    });

    expect(stderr).toBe('');
    expect(stdout).toMatch(printed);
    service.kill('SIGTERM');
    await once(service, 'exit');
  });

  it('fails its health check without the service', async () => {
    expect(isHealthy(image, { PORT: String(await freePort()) })).toBe(false);
  });

  it('says what to do if the settings need the sandbox, which it does not contain', async () => {
    const settings = { NODE_ENV: 'development', API_KEYS, PORT: String(await freePort()) };
    const options = imageOptions(image, settings);
    const { status, stderr } = spawnSync('node', ['dist/main.js'], {
      ...options,
      encoding: 'utf8',
      timeout: minutes(1),
    });

    expect(status).toBe(1);
    expect(stderr).toContain('This build has no sandbox. Set the base URLs');
  });

  it('contains the production dependencies only', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
    // Some development dependencies are also a dependency of a production one.
    const isForDevelopment = (name: string) => packages[`node_modules/${name}`].dev === true;
    const contains = (name: string) => existsSync(join(image.workdir, 'node_modules', name));

    expect(Object.keys(dependencies).filter((name) => !contains(name))).toEqual([]);
    expect(Object.keys(devDependencies).filter(isForDevelopment).filter(contains)).toEqual([]);
    expect(existsSync(join(image.workdir, 'dist/sandbox'))).toBe(false);
    expect(existsSync(join(image.workdir, 'src'))).toBe(false);
  });
});

describe('The trial image', () => {
  it('starts the service and the sandbox as another user in read-only folders, with a key and lines that work', async () => {
    const { trial } = images.of;
    const settings = {
      PORT: String(await freePort()),
      SANDBOX_PORT: String(await freePort()),
      HOST: '127.0.0.1',
    };
    running = await startImage(trial, settings);
    // The lines follow the first answered health check.
    while (!running.output.includes('/otp/verify')) await delay(50);
    const lines = running.output.split('\n').filter((line) => /OTP_API_KEY=|curl /.test(line));
    const outputOf = async (script: readonly string[]) => {
      const program = spawnProgram(script.join('\n'), images.folder);
      await program.ended();
      return program.output;
    };

    expect(lines).toHaveLength(4);
    expect(await outputOf(lines)).toBe('{"verified":true}');
    expect(await outputOf(lines.slice(1))).toContain('"code":"unauthenticated"');
    expect(spawnSync('touch', ['new'], imageOptions(trial)).status).not.toBe(0);
    expect(trial.environment).toMatchObject({ HOST: '0.0.0.0' });
    // Another address of this machine: the default is 127.0.0.1 alone.
    const inbox = await fetch(`http://127.0.0.2:${settings.SANDBOX_PORT}/sandbox/messages`);
    expect(await inbox.json()).toHaveLength(1);
    running.process.kill('SIGTERM');
    expect(await once(running.process, 'exit')).toEqual([0, null]);
  });
});

describe('The sandbox image', () => {
  it('contains the sandbox alone, and listens on all addresses', async () => {
    const SANDBOX_PORT = String(await freePort());
    running = await startImage(images.of.sandbox, { SANDBOX_PORT });

    const inbox = await fetch(`http://127.0.0.2:${SANDBOX_PORT}/sandbox/messages`);

    expect(await inbox.json()).toEqual([]);
    expect(readdirSync(images.of.sandbox.workdir)).toContain('main.js');
    expect(existsSync(join(images.of.sandbox.workdir, 'node_modules'))).toBe(false);
    running.process.kill('SIGTERM');
    expect(await once(running.process, 'exit')).toEqual([0, null]);
  });
});
