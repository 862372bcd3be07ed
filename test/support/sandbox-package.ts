import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { spawnProgram, type ChildProgram } from './child-program.js';
import { freePort } from './services/ports.js';
import type { TestSandbox } from './sandbox.js';
import { listMessages } from './sandbox-calls.js';

const execute = promisify(execFile);

const PROGRAM = 'exec node node_modules/infobip-sandbox/main.js';

/** The package infobip-sandbox in a folder without any other package. */
export interface SandboxPackage {
  /** The folder of the package that has installed it. */
  readonly folder: string;
  /** `node_modules/infobip-sandbox`. */
  readonly root: string;
  /** What npm printed at the install. */
  readonly installOutput: string;
  delete(): void;
}

/** A program of the installed package. */
export type PackagedSandbox = Pick<TestSandbox, 'url' | 'listMessages' | 'close'> & {
  readonly program: ChildProgram;
};

/** Builds and packs the package, then installs the packed file without any network. */
export async function installSandboxPackage(): Promise<SandboxPackage> {
  const parent = mkdtempSync(join(tmpdir(), 'infobip-sandbox-'));
  // A folder of its own: spec files run at the same time.
  const built = join(parent, 'built');
  await execute('npm', ['run', 'sandbox:package', '--', built]);
  const pack = ['pack', built, '--pack-destination', parent, '--json'];
  const { stdout } = await execute('npm', pack);
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const folder = join(parent, 'app');
  mkdirSync(folder);
  const { PATH } = process.env;
  const install = ['install', '--offline', '--no-audit', '--no-fund', join(parent, filename)];
  // With this HOME, npm uses neither the cache nor the settings of this machine.
  const env = { PATH, HOME: parent, npm_config_update_notifier: 'false' };
  const { stdout: printed, stderr } = await execute('npm', install, { cwd: folder, env });
  return {
    folder,
    root: join(folder, 'node_modules/infobip-sandbox'),
    installOutput: printed + stderr,
    delete: () => {
      rmSync(parent, { recursive: true });
    },
  };
}

interface PackagedSandboxOptions {
  readonly apiKey?: string;
  /** Starts the program; by default without npx, which takes a second. */
  readonly command?: string;
  /** By default a free port. */
  readonly port?: string;
}

/** Starts the program, and waits until it listens. */
export async function startPackagedSandbox(
  { folder }: SandboxPackage,
  { apiKey, command = PROGRAM, port }: PackagedSandboxOptions = {},
): Promise<PackagedSandbox> {
  port ??= String(await freePort());
  const program = spawnProgram(command, folder, {
    SANDBOX_PORT: port,
    ...(apiKey !== undefined && { SANDBOX_API_KEY: apiKey }),
  });
  await program.printed(/is running at/);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    program,
    listMessages: (to) => listMessages(url, to),
    close: () => program.stop(),
  };
}
