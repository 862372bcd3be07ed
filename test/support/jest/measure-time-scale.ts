import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Duration of a start on a quiet machine with two cores, measured on several machines. */
const QUIET_START_MS = 400;
const LARGEST = 10;
const START = ['--input-type=module', '-e', "await import('@nestjs/platform-fastify')"];

/** Measures how long Node takes to load the framework; returns 1 on a quiet machine, more on a slow one. */
export async function measureTimeScale(): Promise<number> {
  const startedAt = performance.now();
  await promisify(execFile)(process.execPath, START);
  const scale = (performance.now() - startedAt) / QUIET_START_MS;
  return Math.min(LARGEST, Math.max(1, Math.round(scale * 10) / 10));
}
