import { join, resolve } from 'node:path';
import { run } from './program.js';

/** What `npm run build:test` builds first; beside node_modules, so that imports resolve. */
const BUILD = resolve('.test-build');

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a built command to its end, in a folder and with settings of its own. */
export async function runCli(
  command: 'infobip:setup' | 'doctor' | 'keys:new' | 'pumping:replay',
  { args = '', cwd, settings }: { args?: string; cwd: string; settings: NodeJS.ProcessEnv },
): Promise<Ended> {
  const program = run(`node ${join(BUILD, 'cli/main.js')} ${command} ${args}`, cwd, settings);
  const code = await program.ended();
  return { code, output: program.output };
}

/** The built sandbox as a process of its own. */
export async function startSeparateSandbox(port: number, cwd: string) {
  const sandbox = run(`node ${join(BUILD, 'sandbox', 'main.js')}`, cwd, {
    SANDBOX_PORT: String(port),
  });
  await sandbox.printed(/is running at/);
  return { url: `http://127.0.0.1:${port}`, stop: () => sandbox.stop() };
}

/** Asks Infobip's API, or its look-alike, as an operator with curl would. */
export async function askInfobip(
  url: string,
  method: 'GET' | 'POST',
  body?: object,
): Promise<Record<string, never> & { applicationId: string; messageId: string }> {
  const answer = await fetch(url, {
    method,
    headers: { authorization: 'App key', 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${url} answered ${answer.status}`);
  return answer.json() as never;
}
