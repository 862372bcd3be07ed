import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { minutes } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { readDockerfile } from '../support/container/dockerfile.js';
import { buildImage, type Image } from '../support/container/image.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { freePort } from '../support/services/ports.js';

jest.setTimeout(minutes(5));

const KEY = 'a-key-that-only-this-test-knows';
const PHONE = '+14155550177';

describe('The container image', () => {
  let image: Image;
  let sandbox: Sandbox;
  let postgres: PostgresServer;
  let service: ChildProcess | undefined;
  let output: string;

  beforeAll(async () => {
    [image, sandbox, postgres] = await Promise.all([
      buildImage(),
      startSandbox({ port: 0 }),
      startPostgres(),
    ]);
  });

  afterAll(async () => {
    rmSync(image.folder, { recursive: true, force: true });
    await Promise.all([sandbox.close(), postgres.stop()]);
  });

  afterEach(() => {
    service?.kill('SIGKILL');
  });

  const imageOptions = (settings: NodeJS.ProcessEnv) => ({
    ...image.user,
    cwd: image.workdir,
    env: { PATH: process.env['PATH'], ...image.environment, ...settings },
  });

  /** Runs the image's command until its health check passes; returns its URL and settings. */
  async function start(own: NodeJS.ProcessEnv = {}) {
    const settings = {
      PORT: String(await freePort()),
      OTP_SECRET: 'a master secret that only tests know of',
      API_KEYS: `test:${createHash('sha256').update(KEY).digest('hex')}`,
      INFOBIP_BASE_URL: sandbox.url,
      INFOBIP_API_KEY: 'sandbox-key',
      INFOBIP_APP_ID: 'sandbox-application',
      INFOBIP_MESSAGE_ID: 'sandbox-message',
      SHUTDOWN_DELAY: '1ms',
      ...own,
      // The image listens on all addresses; a test only on 127.0.0.1.
      HOST: '127.0.0.1',
    };
    const [program = '', ...args] = image.command;
    service = spawn(program, args, imageOptions(settings));
    output = '';
    for (const stream of [service.stdout, service.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    while (!isHealthy(settings)) {
      if (service.exitCode !== null) throw new Error(output);
      await delay(100);
    }
    return { url: `http://127.0.0.1:${settings.PORT}`, service, settings };
  }

  function isHealthy(settings: NodeJS.ProcessEnv): boolean {
    const [program = '', ...args] = image.healthCheck;
    return spawnSync(program, args, imageOptions(settings)).status === 0;
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
    const inbox = await fetch(
      `${sandbox.url}/sandbox/messages?to=${encodeURIComponent(phoneNumber)}`,
    );
    const [message] = (await inbox.json()) as { pin: string }[];
    const result = await post(`${url}/otp/verify`, { pinId, otpCode: message?.pin });

    expect(result).toEqual({ verified: true });
    service.kill('SIGTERM');
    expect(await once(service, 'exit')).toEqual([0, null]);
    expect(output).not.toMatch(/"level":"(error|fatal)"/);
  });

  it('runs as an unprivileged user, who can write only to the data folder', () => {
    const touch = (path: string) => spawnSync('touch', [path], imageOptions({})).status;

    expect(readDockerfile('Dockerfile').findLast(({ name }) => name === 'USER')?.rest).toMatch(
      /^[1-9]\d*:[1-9]\d*$/,
    );
    expect(touch('dist/new')).not.toBe(0);
    expect(touch('new')).not.toBe(0);
    expect(touch('data/new')).toBe(0);
  });

  it.each([
    ['otp doctor', /^ok +settings +The settings can be used/],
    ['otp infobip:setup --dry-run', /^Dry run: nothing was changed\.$/m],
    ['otp keys:new shop', /^Entry, for API_KEYS: +shop:[0-9a-f]{64}$/m],
    ['otp pumping:replay', /^Of \d+ verifications, with /],
    ['npm run --silent keys:new -- shop', /^Entry, for API_KEYS: +shop:/m],
  ])('runs `%s` without a compiler and source code', async (command, printed) => {
    const { service, settings } = await start();

    // Rejects on any exit code but 0.
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command], {
      ...imageOptions({ ...settings, HOME: image.folder }),
    });

    expect(stderr).toBe('');
    expect(stdout).toMatch(printed);
    service.kill('SIGTERM');
    await once(service, 'exit');
  });

  it('fails its health check without the service', async () => {
    expect(isHealthy({ PORT: String(await freePort()) })).toBe(false);
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

  it('uses Node 24 in every stage', () => {
    const stages = readDockerfile('Dockerfile').filter(({ name }) => name === 'FROM');
    stages.forEach(({ rest }) => {
      expect(rest).toMatch(/^node:24-/);
    });
  });
});
