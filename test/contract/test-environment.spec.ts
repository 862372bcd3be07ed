import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { scaleTimeLimit } from '../support/time-scale.js';

const SWC_OPTIONS = { jsc: { parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } };

/** A spec that leaves resources open and whose beforeAll fails. */
const SPEC = `
  const { spawn } = require('node:child_process');
  const { createServer } = require('node:http');
  const { Worker } = require('node:worker_threads');

  globalThis.seedOfFile = '42';

  it('leaves resources open', () => {
    createServer().listen(0);
    new Worker('setInterval(() => {}, 1000)', { eval: true });
    console.log('pid ' + spawn('sleep', ['1000']).pid);
    throw new Error('expected failure');
  });

  describe('with a failing set-up', () => {
    let server;
    beforeAll(() => { throw new Error('set-up failed'); });
    afterEach(() => server.reset());
    afterAll(() => server.close());
    it('fails', () => {});
    it('is skipped', () => {});
    describe('nested', () => {
      beforeAll(() => server.open());
      it('is skipped', () => {});
    });
  });
`;

interface Results {
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: { readonly assertionResults: { readonly failureMessages: string[] }[] }[];
}

describe('A spec file that fails', () => {
  let folder: string;
  let output: string;
  let end: object;
  let results: Results;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'otp-environment-'));
    writeFileSync(join(folder, 'failing.spec.cjs'), SPEC);
    const config = {
      rootDir: resolve('.'),
      roots: [folder],
      testMatch: ['**/*.spec.cjs'],
      testEnvironment: resolve('test/support/jest/environment.ts'),
      transform: { '\\.ts$': ['@swc/jest', SWC_OPTIONS] },
    };
    const jest = [resolve('node_modules/jest/bin/jest.js'), '--config', JSON.stringify(config)];
    const ended = await promisify(execFile)(process.execPath, [...jest, '--json'], {
      env: { PATH: process.env['PATH'] },
      timeout: scaleTimeLimit(20_000),
    }).catch((error: unknown) => error as { stdout: string; stderr: string });
    end = ended;
    output = ended.stderr;
    results = JSON.parse(ended.stdout) as Results;
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  // This test fails without leftovers.ts: jest would not exit.
  it('ends jest, and leaves no process behind', () => {
    const pid = Number(/pid (\d+)/.exec(output)?.[1]);

    expect(end).toMatchObject({ code: 1, killed: false });
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  // This test fails without hook-failure-handler.ts.
  it('reports a failing beforeAll once, and skips the other tests', () => {
    const errors = results.testResults.flatMap(({ assertionResults }) =>
      assertionResults.flatMap(({ failureMessages }) => failureMessages),
    );

    expect(errors).toEqual([
      expect.stringContaining('expected failure'),
      expect.stringContaining('set-up failed'),
    ]);
    expect(results).toMatchObject({ numFailedTests: 2, numPendingTests: 2 });
  });

  it('prints the command that replays its seed', () => {
    expect(output).toMatch(/^Replay: SEED='42' npx jest \S*failing\.spec\.cjs$/m);
  });
});
