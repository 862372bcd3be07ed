import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minutes } from '../../src/common/durations.js';
import { findStage, readDockerfile } from '../support/container/dockerfile.js';
import { freePort } from '../support/services/ports.js';
import { PRODUCTION_SETTINGS } from '../support/production-settings.js';
import { spawnProgram, type ChildProgram } from '../support/child-program.js';

const README = readFileSync('README.md', 'utf8');
const WRONG_CODE = /"verified":false,"reason":"wrong_code","attemptsRemaining":4/;

/** The shell blocks of the README in order; those within a list are indented. */
const COMMANDS = [...README.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) =>
  block.replace(/^ +/gm, '').trim(),
);
const [
  START = '',
  FLOW = '',
  SANDBOX = '',
  WITH_SANDBOX = '',
  NEW_KEY = '',
  BUILD_AND_RUN = '',
  TEST = '',
] = COMMANDS;

jest.setTimeout(minutes(5));

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  scripts: Record<'start' | 'start:prod', string>;
};
/** The command that `npm start` and the image run. */
const RUN = scripts['start:prod'];

describe('The README on a clean checkout', () => {
  let checkout: string;
  /** The ports and the data folder of one test. */
  let settings: { PORT: string; SANDBOX_PORT: string; DATA_DIR: string };
  let programs: ChildProgram[];

  beforeAll(() => {
    checkout = mkdtempSync(join(tmpdir(), 'otp-checkout-'));
    const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
      encoding: 'utf8',
    });
    for (const path of listed.split('\0').filter(Boolean)) cpSync(path, join(checkout, path));
  });

  afterAll(() => {
    rmSync(checkout, { recursive: true });
  });

  beforeEach(async () => {
    programs = [];
    settings = {
      PORT: String(await freePort()),
      SANDBOX_PORT: String(await freePort()),
      DATA_DIR: mkdtempSync(join(checkout, 'data-')),
    };
  });

  afterEach(() => Promise.all(programs.map((program) => program.stop())));

  function start(command: string, variables: NodeJS.ProcessEnv = {}): ChildProgram {
    const program = spawnProgram(command, checkout, { ...settings, ...variables });
    programs.push(program);
    return program;
  }

  /** The three lines that the start-up banner prints. */
  async function printedLines(service: ChildProgram): Promise<string[]> {
    await service.printed(/^curl .*\/otp\/verify.*$/m);
    return service.output.split('\n').filter((line) => line.includes('curl '));
  }

  async function outputOf(script: string): Promise<string> {
    const program = start(script);
    await program.ended();
    return program.output;
  }

  async function expectVerified(lines: readonly string[]): Promise<void> {
    expect(lines).toHaveLength(3);
    expect(await outputOf(lines.join('\n'))).toBe('{"verified":true}');
    const otherNumber = lines.map((line) => line.replace(/1415555\d{4}/, '14155550100'));
    const mistyped = [
      ...otherNumber.slice(0, 2),
      'CODE=$(echo "$CODE" | tr 0-9 1-90)',
      otherNumber[2],
    ];
    expect(await outputOf(mistyped.join('\n'))).toMatch(WRONG_CODE);
  }

  it('contains only commands that this test runs', () => {
    expect(COMMANDS).toHaveLength(7);
  });

  it('verifies a code after its first command', async () => {
    expect(START).toBe('npm ci && npm start');
    const service = start(START);

    await expectVerified(await printedLines(service));

    expect(service.output).not.toMatch(/ERESOLVE|peer dep|EBADENGINE|deprecated|node-gyp/i);
    const flow = FLOW.replaceAll(':3000/', `:${settings.PORT}/`).replace(
      ':3999/',
      `:${settings.SANDBOX_PORT}/`,
    );
    expect(await outputOf(flow)).toBe('{"verified":true}');
  });

  it('has at most 1,200 words', () => {
    expect(README.split(/\s+/).length).toBeLessThanOrEqual(1_200);
  });

  it('has the same test command as CI', () => {
    expect(TEST).toBe('npm ci && npm test');
    expect(readFileSync('.ci/run', 'utf8').split('\n')).toContain(TEST);
  });

  it('verifies a code with a separate sandbox', async () => {
    await start(SANDBOX).printed(/is running at/);
    const service = start(WITH_SANDBOX.replace('3999', settings.SANDBOX_PORT));

    await expectVerified(await printedLines(service));
  });

  it('verifies a code with a new API key', async () => {
    const newKey = await outputOf(NEW_KEY);
    const [, key = ''] = /^Key, for the client: +(\S+)$/m.exec(newKey) ?? [];
    const [, entry = ''] = /^Entry, for API_KEYS: +(\S+)$/m.exec(newKey) ?? [];
    const service = start(RUN, { API_KEYS: entry });
    const lines = await printedLines(service);

    expect(await outputOf([`OTP_API_KEY=${key}`, ...lines].join('\n'))).toBe('{"verified":true}');
    expect(await outputOf(lines.join('\n'))).toContain('"code":"unauthenticated"');
  });

  it('runs a build like `npm start` and the image', () => {
    const service = findStage(readDockerfile('Dockerfile'), 'service');
    const command = service.find(({ name }) => name === 'CMD')?.rest ?? '';

    expect(BUILD_AND_RUN).toBe('npm run build\nnpm run start:prod');
    expect(scripts.start).toBe('npm run build && npm run start:prod');
    expect((JSON.parse(command) as string[]).join(' ')).toBe(RUN);
    expect(RUN).toMatch(/^node --enable-source-maps (--\S+ )+dist\/main\.js$/);
  });

  it('runs a build with the settings in .env', async () => {
    const env = join(checkout, '.env');
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(env, lines.join(''));
    const service = spawnProgram(BUILD_AND_RUN, checkout);
    programs.push(service);

    await expectVerified(await printedLines(service));
    rmSync(env);
  });

  it('reports missing settings in production, and exits', async () => {
    const service = start(RUN, { NODE_ENV: 'production' });

    expect(await service.ended()).toBe(1);
    expect(service.output).toMatch(
      /^The settings cannot be used:\n {2}- OTP_SECRET is required\n {2}- API_KEYS is/,
    );
  });

  it('starts in production without the sandbox', async () => {
    rmSync(join(checkout, 'dist/sandbox'), { recursive: true });
    const service = start(RUN, PRODUCTION_SETTINGS);
    await service.printed(/Server listening/);

    expect(await outputOf(`curl -s http://127.0.0.1:${settings.PORT}/health/live`)).toBe(
      '{"status":"ok"}',
    );
    expect(service.output).not.toContain('curl');
  });
});
