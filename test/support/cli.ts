import { join, resolve } from 'node:path';
import type { CliCommand } from '../../src/cli/command.js';
import { spawnProgram } from './child-program.js';
import { dropPrivileges } from './services/drop-privileges.js';

/** The build of `npm run build:test`. Its folder is beside node_modules, so that imports resolve. */
const BUILD = resolve('.test-build');

interface CommandResult {
  readonly code: number | null;
  readonly output: string;
}

interface CommandOptions {
  /** The arguments as in a shell: quote those with spaces. */
  readonly args?: string;
  readonly cwd: string;
  readonly settings: NodeJS.ProcessEnv;
}

const COMMANDS = {
  doctor: async () => (await import('../../src/cli/doctor.js')).doctor,
  'infobip:setup': async () => (await import('../../src/cli/infobip-setup.js')).infobipSetup,
  'keys:new': async () => (await import('../../src/cli/keys-new.js')).keysNew,
  'proof:new': async () => (await import('../../src/cli/proof-new.js')).proofNew,
  'pumping:replay': async () => (await import('../../src/cli/pumping-replay.js')).pumpingReplay,
  usage: async () => (await import('../../src/cli/usage.js')).usage,
} satisfies Record<string, () => Promise<CliCommand>>;

type CommandName = keyof typeof COMMANDS;

/**
 * Runs a command of the build as a process.
 * @param isOtherUser if the tests run as root, `access` checks the permissions of another user
 */
export async function runBuiltCommand(
  command: CommandName,
  { args = '', cwd, settings }: CommandOptions,
  { isOtherUser = false } = {},
): Promise<CommandResult> {
  const user = isOtherUser ? dropPrivileges() : undefined;
  // Only the real user changes, which `access` checks. The effective user stays root, to read the build.
  const prefix = user ? `setpriv --ruid=${user.uid} ` : '';
  const program = spawnProgram(
    `${prefix}node ${join(BUILD, 'cli/main.js')} ${command} ${args}`,
    cwd,
    settings,
  );
  const code = await program.ended();
  return { code, output: program.output };
}

/**
 * Runs a command in this process, with `cwd` as its folder and `settings` as its environment. No two
 * commands may run at the same time.
 */
export async function runCommand(
  name: CommandName,
  { args = '', cwd, settings }: CommandOptions,
): Promise<CommandResult> {
  const command = await COMMANDS[name]();
  const before = { env: process.env, cwd: process.cwd(), isTTY: process.stdin.isTTY };
  let output = '';
  const print = (...words: unknown[]) => {
    output += `${words.join(' ')}\n`;
  };
  const spies = (['log', 'error', 'warn'] as const).map((method) =>
    jest.spyOn(console, method).mockImplementation(print),
  );
  process.env = { PATH: before.env['PATH'], HOME: before.env['HOME'], ...settings };
  process.chdir(cwd);
  process.stdin.isTTY = false;
  try {
    const code = await command(splitWords(args));
    return { code, output };
  } finally {
    process.env = before.env;
    process.chdir(before.cwd);
    process.stdin.isTTY = before.isTTY;
    for (const spy of spies) spy.mockRestore();
  }
}

/** Splits a command line into words, without their quotes. */
const splitWords = (line: string): string[] =>
  (line.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? []).map((word) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  );

/** Starts the sandbox of the build as a process of its own. */
export async function startSeparateSandbox(port: number, cwd: string) {
  const sandbox = spawnProgram(`node ${join(BUILD, 'sandbox', 'main.js')}`, cwd, {
    SANDBOX_PORT: String(port),
  });
  await sandbox.printed(/is running at/);
  return { url: `http://127.0.0.1:${port}`, stop: () => sandbox.stop() };
}

/** Calls the Infobip API, real or fake, as an operator does with curl. */
export async function callInfobip(
  url: string,
  method: 'GET' | 'POST',
  body?: object,
): Promise<Record<string, never> & { applicationId: string; messageId: string }> {
  const response = await fetch(url, {
    method,
    headers: { authorization: 'App key', 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${url} returned ${response.status}`);
  return response.json() as never;
}
