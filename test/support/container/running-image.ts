import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Image } from './image.js';

/** A running command of an image. */
export interface RunningImage {
  readonly process: ChildProcess;
  /** Everything that the command has printed so far. */
  readonly output: string;
}

/** The options for a program of the image: its user, folder and environment, with these settings. */
export const imageOptions = (image: Image, settings: NodeJS.ProcessEnv = {}) => ({
  ...image.user,
  cwd: image.workdir,
  env: { PATH: process.env['PATH'], ...image.environment, ...settings },
});

/** Whether the health check of the image passes. */
export function isHealthy(image: Image, settings: NodeJS.ProcessEnv): boolean {
  const [program = '', ...args] = image.healthCheck;
  return spawnSync(program, args, imageOptions(image, settings)).status === 0;
}

/**
 * Runs the command of an image until its health check passes.
 * @throws Error with its output if the command ends first
 */
export async function startImage(image: Image, settings: NodeJS.ProcessEnv): Promise<RunningImage> {
  const [program = '', ...args] = image.command;
  const child = spawn(program, args, imageOptions(image, settings));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  while (!isHealthy(image, settings)) {
    if (child.exitCode !== null) throw new Error(output);
    await delay(100);
  }
  return {
    process: child,
    get output() {
      return output;
    },
  };
}
