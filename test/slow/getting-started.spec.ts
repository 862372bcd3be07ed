import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { minutes } from '../../src/common/durations.js';
import { startSeparateSandbox } from '../support/cli.js';
import { freePort } from '../support/services/ports.js';
import { spawnProgram } from '../support/child-program.js';

jest.setTimeout(minutes(5));

describe('docs/getting-started.md', () => {
  const PAGE = readFileSync('docs/getting-started.md', 'utf8');
  const COMMANDS = [...PAGE.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block.trim());

  it('has commands that run in order as printed', async () => {
    const checkout = mkdtempSync(join(tmpdir(), 'otp-setup-page-'));
    const trackedFiles = execFileSync('git', ['ls-files', '-z', 'src', '*.json'], {
      encoding: 'utf8',
    });
    for (const path of trackedFiles.split('\0').filter(Boolean)) cpSync(path, join(checkout, path));
    symlinkSync(resolve('node_modules'), join(checkout, 'node_modules'));
    const port = await freePort();
    const sandbox = await startSeparateSandbox(port, checkout);

    const outputs: string[] = [];
    for (const command of COMMANDS) {
      const program = spawnProgram(command, checkout, { SANDBOX_PORT: String(port) });
      expect({ command, code: await program.ended(), output: program.output }).toMatchObject({
        command,
        code: 0,
      });
      outputs.push(program.output);
    }

    expect(outputs).toEqual([
      expect.stringMatching(/^Entry, for API_KEYS: +shop:/m),
      expect.stringContaining('Dry run: nothing was changed.'),
      expect.stringContaining('Written to .env:'),
      expect.stringContaining('No problems found.'),
      expect.stringMatching(/^\[\n/),
      expect.stringContaining('@acme.example #123456'),
      expect.stringMatching(/^INFOBIP_MESSAGE_IDS=de:\w+$/m),
    ]);
    await sandbox.stop();
    rmSync(checkout, { recursive: true });
  });
});
