import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** A shell command that runs in a process group of its own. */
export interface ChildProgram {
  /** Everything that the command has printed so far. */
  readonly output: string;
  /** Resolves as soon as the output matches; rejects with the output if the command ends first. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with the exit code; `null` if a signal ended the command. */
  ended(): Promise<number | null>;
  /** Ends every process of the group (SIGTERM), and waits for the command's end. */
  stop(): Promise<void>;
}

/** Starts a command in `cwd`, with `PATH`, `HOME` and these variables. */
export function spawnProgram(
  command: string,
  cwd: string,
  variables: NodeJS.ProcessEnv = {},
): ChildProgram {
  const { PATH, HOME } = process.env;
  const child = spawn('bash', ['-c', command], {
    cwd,
    env: { PATH, HOME, ...variables },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close').then(([code]) => code as number | null);
  let output = '';
  [child.stdout, child.stderr].forEach((stream) => {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  });
  return {
    get output() {
      return output;
    },
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const match = pattern.exec(output);
          if (match) resolve(match);
        };
        child.stdout.on('data', check);
        child.stderr.on('data', check);
        check();
        void closed.then((code) => {
          reject(new Error(`\`${command}\` ended with ${code}:\n${output}`));
        });
      }),
    ended: () => closed,
    stop: () => stopGroup(child, closed),
  };
}

async function stopGroup(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  await closed;
}
