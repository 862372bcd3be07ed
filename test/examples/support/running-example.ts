import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { newApiKey } from '../../support/api-key.js';
import { OffsetClock } from '../../support/browser-demo.js';
import { spawnProgram } from '../../support/child-program.js';
import { startSandboxedService, type SandboxedService } from '../../support/service.js';
import { freePort } from '../../support/services/ports.js';

/** An example as a process of its own, with a service and a sandbox behind it. */
export interface RunningExample {
  readonly url: string;
  /** Its clock is the system clock until a test advances it: codes expire, cooldowns end. */
  readonly service: SandboxedService;
  /** The API key that the example uses. */
  readonly apiKey: string;
  /** Everything that the example has logged so far. */
  readonly output: string;
  close(): Promise<void>;
}

export interface ExampleOptions {
  /** What the example prints once it accepts requests. */
  readonly ready?: RegExp;
  /** The environment of the example. It also gets PORT, OTP_URL and OTP_API_KEY. */
  readonly settings?: NodeJS.ProcessEnv;
  /** Settings of the service, besides those in the example's `service.env`. */
  readonly serviceSettings?: NodeJS.ProcessEnv;
}

const folderOf = (name: string) => resolve('examples', name);

const built = new Set<string>();

/**
 * Installs an example from its lock file, unless that is done, and builds it as its README says, once
 * for each test file.
 */
function buildExample(name: string): void {
  if (built.has(name)) return;
  built.add(name);
  // Without the NODE_ENV of jest: a page would be built for development.
  const env = { ...process.env, NODE_ENV: undefined };
  const options = { cwd: folderOf(name), env, encoding: 'utf8', stdio: 'pipe' } as const;
  if (!isInstalled(options.cwd)) {
    const offlineFirst = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    execFileSync('npm', ['ci', ...offlineFirst], options);
  }
  execFileSync('npm', ['run', 'build', '--if-present'], options);
}

function isInstalled(folder: string): boolean {
  const installed = join(folder, 'node_modules/.package-lock.json');
  const lockFile = join(folder, 'package-lock.json');
  return existsSync(installed) && statSync(installed).mtimeMs > statSync(lockFile).mtimeMs;
}

/** Builds an example and starts it with `npm start` on a free port, with a service and a sandbox. */
export async function startExample(
  name: string,
  { ready = /Listening on http/, settings = {}, serviceSettings = {} }: ExampleOptions = {},
): Promise<RunningExample> {
  buildExample(name);
  const { key, entry } = newApiKey('example');
  const service = await startSandboxedService(
    {
      API_KEYS: entry,
      // All messages of a test go to one country, and from one address.
      SENDS_PER_END_USER_IP_PER_HOUR: '1000',
      PUMPING_GUARD: 'off',
      ...readServiceSettings(name),
      ...serviceSettings,
    },
    new OffsetClock(0),
  );
  const port = String(await freePort());
  const program = spawnProgram('exec npm start', folderOf(name), {
    PORT: port,
    OTP_URL: service.url,
    OTP_API_KEY: key,
    ...settings,
  });
  const close = async () => {
    await program.stop();
    await service.close();
  };
  try {
    await program.printed(ready);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: `http://127.0.0.1:${port}`,
    service,
    apiKey: key,
    get output() {
      return program.output;
    },
    close,
  };
}

function readServiceSettings(name: string): NodeJS.ProcessEnv {
  const file = join(folderOf(name), 'service.env');
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
}
