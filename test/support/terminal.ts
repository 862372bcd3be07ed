import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { spawnProgram } from './child-program.js';

const CLI = join(resolve('.test-build'), 'cli/main.js');

interface TerminalOptions {
  readonly cwd: string;
  readonly settings: NodeJS.ProcessEnv;
  /** What the command prints when it waits for a line. */
  readonly question: RegExp;
  /** Returns the line that the operator types; `undefined` ends the input instead. */
  readonly getAnswer: () => string | undefined | Promise<string | undefined>;
}

/** Runs a command of the build, such as `doctor --send NUMBER`, at a terminal of its own. */
export async function runAtTerminal(
  command: string,
  { cwd, settings, question, getAnswer }: TerminalOptions,
): Promise<{ code: number | null; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'otp-terminal-input-'));
  const input = join(folder, 'input');
  execFileSync('mkfifo', [input]);
  const program = spawnProgram(
    `script -qefc 'exec node ${CLI} ${command}' /dev/null <${input}`,
    cwd,
    settings,
  );
  const keyboard = createWriteStream(input);
  const isAsked = await program.printed(question).then(
    () => true,
    () => false,
  );
  const answer = isAsked ? await getAnswer() : undefined;
  if (answer !== undefined) keyboard.write(`${answer}\n`);
  keyboard.end();
  const code = await program.ended();
  rmSync(folder, { recursive: true });
  return { code, output: program.output.replaceAll('\r', '') };
}
