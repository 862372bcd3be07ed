import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const TIMEOUT_MS = 15 * 60_000;
const POLL_MS = 100;

/**
 * Runs the work while no other process on this machine holds the lock of this name. Takes over the
 * lock of a process that has died.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const lock = join(tmpdir(), `${name}.lock`);
  const deadline = Date.now() + TIMEOUT_MS;
  while (!(await acquire(lock))) {
    if (await isStale(lock)) await discard(lock);
    else if (Date.now() > deadline) throw new Error(`Another process holds ${lock} for too long.`);
    else await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await discard(lock);
  }
}

/** Creates the lock's folder with the owner's process id in it. @returns `false` if there is a lock */
async function acquire(lock: string): Promise<boolean> {
  // The folder gets its name last, so that every lock has an owner.
  const candidate = `${lock}.${randomUUID()}`;
  await mkdir(candidate);
  await writeFile(join(candidate, 'owner'), String(process.pid));
  try {
    await rename(candidate, lock);
    return true;
  } catch {
    await rm(candidate, { recursive: true, force: true });
    return false;
  }
}

/** Whether the process that holds the lock has died. */
async function isStale(lock: string): Promise<boolean> {
  try {
    const ownerPid = Number(await readFile(join(lock, 'owner'), 'utf8'));
    process.kill(ownerPid, 0);
    return false;
  } catch (error) {
    // `instanceof Error` fails in a spec: Node's errors belong to another realm than jest's `Error`.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Deletes the lock. Renames its folder first: a half-deleted one would be a lock without an owner. */
async function discard(lock: string): Promise<void> {
  const discarded = `${lock}.${randomUUID()}`;
  try {
    await rename(lock, discarded);
  } catch {
    // Another process has discarded it.
    return;
  }
  await rm(discarded, { recursive: true, force: true });
}
