import { execFile } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { parseAssignments, parseCommand, readDockerfile, type Instruction } from './dockerfile.js';

const execute = promisify(execFile);

/** An image as a folder. Its programs run without a container engine and without isolation. */
export interface Image {
  /** The root of its file system. */
  readonly root: string;
  /** The working directory of the command. */
  readonly workdir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  /** The numeric user and group, as the Dockerfile has them. */
  readonly userName: string;
  /** The same as options of `spawn`; empty if this process cannot change its user. */
  readonly user: { readonly uid?: number; readonly gid?: number };
}

/** The images of several targets. */
export interface Images<T extends string> {
  /** The caller deletes it. */
  readonly folder: string;
  readonly of: Readonly<Record<T, Image>>;
}

interface Stage {
  readonly root: string;
  workdir: string;
  readonly environment: Record<string, string>;
  readonly labels: Record<string, string>;
  /** Paths that the image's user owns. */
  readonly owned: string[];
  /** The text of the last instruction of each name, such as CMD. */
  readonly last: Record<string, string>;
}

/**
 * Builds images from the Dockerfile of the working directory. Their user has the permissions on a file
 * that it has in a container, where root owns the files.
 * @param targets names of stages; `default` is the last one
 */
export async function buildImages<T extends string>(...targets: T[]): Promise<Images<T>> {
  const folder = mkdtempSync(join(tmpdir(), 'otp-image-'));
  // The user of the images needs access.
  chmodSync(folder, 0o755);
  const stages = new Map<string, Stage>();
  const build = { folder, stages, args: {} as Record<string, string> };
  let stage: Stage | undefined;
  for (const instruction of readDockerfile('Dockerfile')) {
    const rest = instruction.rest.replace(/\$\{(\w+)\}/g, (text, name: string) =>
      // Only in FROM and LABEL: other instructions leave variables to the program that they start.
      /FROM|LABEL/.test(instruction.name) ? (build.args[name] ?? '') : text,
    );
    if (instruction.name === 'ARG') Object.assign(build.args, parseAssignments(rest));
    else if (instruction.name === 'FROM') stage = await startStage(rest, build);
    else if (stage) await run({ ...instruction, rest }, stage, stages);
  }
  const images = targets.map(async (target) => [target, await finish(stages.get(target))]);
  return { folder, of: Object.fromEntries(await Promise.all(images)) as Record<T, Image> };
}

/** Starts an empty stage for an external image, otherwise a copy of an earlier stage. */
async function startStage(
  rest: string,
  { folder, stages }: { folder: string; stages: Map<string, Stage> },
): Promise<Stage> {
  const [from = '', name = 'default'] = rest.split(' AS ');
  const root = join(folder, name);
  const parent = stages.get(from);
  // Hard links: they are fast, and no stage changes a file of another.
  if (parent) await execute('cp', ['-al', parent.root, root]);
  const move = (path: string) => path.replace(parent?.root ?? '', root);
  const stage = {
    root,
    workdir: move(parent?.workdir ?? root),
    environment: { ...parent?.environment },
    labels: { ...parent?.labels },
    owned: (parent?.owned ?? []).map(move),
    last: { ...parent?.last },
  };
  stages.set(name, stage);
  return stage;
}

async function run(
  instruction: Instruction,
  stage: Stage,
  stages: Map<string, Stage>,
): Promise<void> {
  const { name, rest, flags } = instruction;
  stage.last[name] = rest;
  if (name === 'WORKDIR') {
    stage.workdir = join(stage.root, rest);
    mkdirSync(stage.workdir, { recursive: true });
  } else if (name === 'ENV') {
    Object.assign(stage.environment, parseAssignments(rest));
  } else if (name === 'LABEL') {
    Object.assign(stage.labels, parseAssignments(rest));
  } else if (name === 'COPY') {
    const copied = copy(instruction, stage, stages);
    if (flags['chown'] !== undefined) stage.owned.push(...copied);
  } else if (name === 'RUN') {
    await runIn(stage, rest);
  }
}

/** Gives every user only the permissions of other users, except for what the image's user owns. */
async function finish(stage: Stage | undefined): Promise<Image> {
  if (!stage) throw new Error('The Dockerfile has no such target.');
  const { root, workdir, environment, labels, owned, last } = stage;
  const [uid = NaN, gid = NaN] = (last['USER'] ?? '').split(':').map(Number);
  await execute('chmod', ['-R', 'a+rX,ug=o', root]);
  for (const path of owned) {
    chmodSync(path, 0o755);
    if (process.getuid?.() === 0) chownSync(path, uid, gid);
  }
  return {
    root,
    workdir,
    environment: Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, resolvePaths(root, value)]),
    ),
    labels,
    command: parseCommand(last['CMD'] ?? '[]'),
    healthCheck: parseCommand((last['HEALTHCHECK'] ?? '[]').replace(/^CMD /, '')),
    userName: last['USER'] ?? '',
    user: process.getuid?.() === 0 ? { uid, gid } : {},
  };
}

/** Moves absolute paths below the image's root; `$PATH` is the machine's. */
const resolvePaths = (root: string, value: string): string =>
  value
    .replace(/(?<=^|:)\/\S*?(?=:|$)/g, (path) => join(root, path))
    .replace('$PATH', process.env['PATH'] ?? '');

/** Runs a COPY instruction. @returns the paths of the copies */
function copy({ flags, rest }: Instruction, stage: Stage, stages: Map<string, Stage>): string[] {
  if (flags['chmod'] !== undefined) throw new Error('--chmod of COPY is not emulated.');
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
  const patterns = readFileSync('.dockerignore', 'utf8').split('\n');
  if (!patterns.includes('*') || !patterns.includes(`!${path.replace('./', '')}`)) {
    throw new Error(`.dockerignore excludes ${path}.`);
  }
}

async function runIn({ workdir }: Stage, command: string): Promise<void> {
  if (/(^|\s)\//.test(command))
    throw new Error(`This command works only in a container: ${command}`);
  const { PATH, HOME } = process.env;
  await execute('bash', ['-c', command], { cwd: workdir, env: { PATH, HOME } });
}
