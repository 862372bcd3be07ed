import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** How long NestJS takes to load on a quiet machine with two cores, as measured on several. */
const QUIET_LOAD_MS = 400;
const MAX_SCALE = 10;
const LOAD_FRAMEWORK = ['--input-type=module', '-e', "await import('@nestjs/platform-fastify')"];

/** How many times longer than on a quiet machine NestJS takes to load: from 1 to `MAX_SCALE`. */
export async function measureTimeScale(): Promise<number> {
  const startedAt = performance.now();
  await promisify(execFile)(process.execPath, LOAD_FRAMEWORK);
  const scale = (performance.now() - startedAt) / QUIET_LOAD_MS;
  return Math.min(MAX_SCALE, Math.max(1, Math.round(scale * 10) / 10));
}
