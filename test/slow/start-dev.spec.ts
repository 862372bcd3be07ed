import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { minutes } from '../../src/common/durations.js';
import { freePort } from '../support/services/ports.js';
import { spawnProgram, type ChildProgram } from '../support/child-program.js';

jest.setTimeout(minutes(5));

describe('npm run start:dev', () => {
  let copy: string;
  let program: ChildProgram | undefined;

  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'otp-start-dev-'));
    const listed = execFileSync(
      'git',
      ['ls-files', '-z', '-co', '--exclude-standard', 'src', '*.json'],
      {
        encoding: 'utf8',
      },
    );
    for (const path of listed.split('\0').filter(Boolean)) cpSync(path, join(copy, path));
    symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  });

  afterEach(async () => {
    await program?.stop();
    rmSync(copy, { recursive: true });
  });

  it('compiles and restarts the service when a source file changes', async () => {
    program = spawnProgram('npm run start:dev', copy, {
      PORT: String(await freePort()),
      SANDBOX_PORT: String(await freePort()),
      DATA_DIR: join(copy, 'data'),
    });
    await program.printed(/curl .*\/otp\/verify/);
    const file = join(copy, 'src/quick-start-message.ts');
    const source = readFileSync(file, 'utf8');
    writeFileSync(file, source.replace('The OTP service listens', 'The changed service listens'));

    const [, url = ''] = await program.printed(/^The changed service listens on (\S+)\.( |$)/m);
    expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ status: 'ok' });
  });
});
