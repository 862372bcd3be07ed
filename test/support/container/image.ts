import { execFile } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { readDockerfile, words, type Instruction } from './dockerfile.js';

const execute = promisify(execFile);

/** What a Dockerfile makes, in a folder: no engine is needed, and nothing isolates it. */
export interface Image {
  /** Delete it afterwards. */
  readonly folder: string;
  /** Where its command runs. */
  readonly workdir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  /** Whom it runs as, in the words of `spawn`; ourselves, if we cannot become another. */
  readonly user: { readonly uid?: number; readonly gid?: number };
}

interface Stage {
  readonly root: string;
  workdir: string;
  readonly environment: Record<string, string>;
}

/** Follows the Dockerfile of the working folder, and makes the result read-only as a container is. */
export async function buildImage(): Promise<Image> {
  const folder = mkdtempSync(join(tmpdir(), 'otp-image-'));
  // Another user has to pass through.
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
        Object.fromEntries(rest.split(' ').map((a) => valueIn(stage, a).split('='))),
      );
    } else if (name === 'COPY') {
      const made = copy(instruction, stage, stages);
      if (instruction.flags['chown'] !== undefined) owned.push(...made);
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

/** An assignment of ENV: absolute paths are below the stage's root, and `$PATH` is the machine's. */
const valueIn = ({ root }: Stage, assignment: string): string =>
  assignment
    .replace(/(?<=[=:])\/\S*?(?=:|$)/g, (path) => join(root, path))
    .replace('$PATH', process.env['PATH'] ?? '');

function copy({ flags, rest }: Instruction, stage: Stage, stages: Map<string, Stage>): string[] {
  const paths = rest.split(' ');
  const target = paths.pop() ?? '';
  const from = flags['from'] === undefined ? undefined : stages.get(flags['from']);
  return paths.map((path) => {
    if (!from) expectSentToBuilder(path);
    const source = from ? join(from.root, path) : path;
    const into = target.endsWith('/') ? join(target, basename(path)) : target;
    cpSync(source, join(stage.workdir, into), { recursive: true, verbatimSymlinks: true });
    return join(stage.workdir, into);
  });
}

/** What .dockerignore keeps back cannot be copied. */
function expectSentToBuilder(path: string): void {
  const sent = readFileSync('.dockerignore', 'utf8').split('\n');
  if (!sent.includes('*') || !sent.includes(`!${path.replace('./', '')}`)) {
    throw new Error(`.dockerignore keeps ${path} back`);
  }
}

async function runIn({ workdir }: Stage, command: string): Promise<void> {
  if (/(^|\s)\//.test(command)) throw new Error(`only in a container: ${command}`);
  const { PATH, HOME } = process.env;
  await execute('bash', ['-c', command], { cwd: workdir, env: { PATH, HOME } });
}
