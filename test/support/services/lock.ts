import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PATIENCE_MS = 15 * 60_000;
const POLL_MS = 100;

/**
 * Does the work while no other process of this machine does work under the same name. A lock whose
 * owner has died is taken over.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const lock = join(tmpdir(), `${name}.lock`);
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await acquire(lock))) {
    if (await isStale(lock)) await discard(lock);
    else if (Date.now() > deadline) throw new Error(`Somebody holds ${lock} for too long.`);
    else await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await discard(lock);
  }
}

/** The folder gets its name only once it says whose it is, so no lock is ever without an owner. */
async function acquire(lock: string): Promise<boolean> {
  const mine = `${lock}.${randomUUID()}`;
  await mkdir(mine);
  await writeFile(join(mine, 'owner'), String(process.pid));
  try {
    await rename(mine, lock);
    return true;
  } catch {
    await rm(mine, { recursive: true, force: true });
    return false;
  }
}

async function isStale(lock: string): Promise<boolean> {
  try {
    const owner = Number(await readFile(join(lock, 'owner'), 'utf8'));
    process.kill(owner, 0);
    return false;
  } catch (error) {
    // Not `instanceof Error`: in a spec, Node's own errors are of another realm than jest's `Error`.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Moved away first: a half-deleted folder would look like a lock without an owner. */
async function discard(lock: string): Promise<void> {
  const rubbish = `${lock}.${randomUUID()}`;
  try {
    await rename(lock, rubbish);
  } catch {
    // Somebody else discarded it.
    return;
  }
  await rm(rubbish, { recursive: true, force: true });
}
