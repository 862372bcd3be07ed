import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What a start takes on a quiet machine with two cores, measured on several. */
const QUIET_START_MS = 400;
const LARGEST = 10;
const START = ['--input-type=module', '-e', "await import('@nestjs/platform-fastify')"];

/** Times a start of Node with the framework: at least 1, and more where that is slow. */
export async function measureTimeScale(): Promise<number> {
  const began = performance.now();
  await promisify(execFile)(process.execPath, START);
  const scale = (performance.now() - began) / QUIET_START_MS;
  return Math.min(LARGEST, Math.max(1, Math.round(scale * 10) / 10));
}
