import { execFile } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { readDockerfile, words, type Instruction } from './dockerfile.js';

const execute = promisify(execFile);

/** The result of a Dockerfile, in a folder: without a container engine and without isolation. */
export interface Image {
  /** The caller deletes it. */
  readonly folder: string;
  /** The working directory of the command. */
  readonly workdir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  /** The user of the command, as options of `spawn`; empty if this process cannot change its user. */
  readonly user: { readonly uid?: number; readonly gid?: number };
}

interface Stage {
  readonly root: string;
  workdir: string;
  readonly environment: Record<string, string>;
}

/** Runs the Dockerfile of the working directory and makes the result read-only, as in a container. */
export async function buildImage(): Promise<Image> {
  const folder = mkdtempSync(join(tmpdir(), 'otp-image-'));
  // Another user needs access.
  chmodSync(folder, 0o755);
  const instructions = readDockerfile('Dockerfile');
  const stages = new Map<string, Stage>();
  let stage: Stage = { root: folder, workdir: folder, environment: {} };
  const owned: string[] = [];
  for (const instruction of instructions) {
    const { name, rest } = instruction;
    if (name === 'FROM') {
      const [, as = 'last'] = / AS (\S+)$/.exec(rest) ?? [];
      const root = join(folder, as);
      stage = { root, workdir: root, environment: {} };
      stages.set(as, stage);
    } else if (name === 'WORKDIR') {
      stage.workdir = join(stage.root, rest);
      mkdirSync(stage.workdir, { recursive: true });
    } else if (name === 'ENV') {
      Object.assign(
        stage.environment,
        Object.fromEntries(rest.split(' ').map((a) => resolveAssignment(stage, a).split('='))),
      );
    } else if (name === 'COPY') {
      const copied = copy(instruction, stage, stages);
      if (instruction.flags['chown'] !== undefined) owned.push(...copied);
    } else if (name === 'RUN') {
      await runIn(stage, rest);
    }
  }
  const last = (name: string) => instructions.findLast((each) => each.name === name)?.rest ?? '';
  const [uid = NaN, gid = NaN] = last('USER').split(':').map(Number);
  await execute('chmod', ['-R', 'a+rX,a-w', stage.root]);
  for (const path of owned) {
    chmodSync(path, 0o755);
    if (process.getuid?.() === 0) chownSync(path, uid, gid);
  }
  return {
    folder,
    workdir: stage.workdir,
    environment: stage.environment,
    command: words(last('CMD')),
    healthCheck: words(last('HEALTHCHECK').replace(/^CMD /, '')),
    user: process.getuid?.() === 0 ? { uid, gid } : {},
  };
}

/** Resolves an ENV assignment: absolute paths move below the stage's root, `$PATH` is the machine's. */
const resolveAssignment = ({ root }: Stage, assignment: string): string =>
  assignment
    .replace(/(?<=[=:])\/\S*?(?=:|$)/g, (path) => join(root, path))
    .replace('$PATH', process.env['PATH'] ?? '');

function copy({ flags, rest }: Instruction, stage: Stage, stages: Map<string, Stage>): string[] {
  const paths = rest.split(' ');
  const target = paths.pop() ?? '';
  const from = flags['from'] === undefined ? undefined : stages.get(flags['from']);
  return paths.map((path) => {
    if (!from) assertNotIgnored(path);
    const source = from ? join(from.root, path) : path;
    const into = target.endsWith('/') ? join(target, basename(path)) : target;
    cpSync(source, join(stage.workdir, into), { recursive: true, verbatimSymlinks: true });
    return join(stage.workdir, into);
  });
}

/** @throws Error if .dockerignore excludes the path. */
function assertNotIgnored(path: string): void {
  const sent = readFileSync('.dockerignore', 'utf8').split('\n');
  if (!sent.includes('*') || !sent.includes(`!${path.replace('./', '')}`)) {
    throw new Error(`.dockerignore excludes ${path}.`);
  }
}

async function runIn({ workdir }: Stage, command: string): Promise<void> {
  if (/(^|\s)\//.test(command))
    throw new Error(`This command works only in a container: ${command}`);
  const { PATH, HOME } = process.env;
  await execute('bash', ['-c', command], { cwd: workdir, env: { PATH, HOME } });
}
