import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { findBinary } from './binaries';

const run = promisify(execFile);

/** Debian runs this program to decide whether a package may start its service; 101 means no. */
const POLICY = '/usr/sbin/policy-rc.d';
const SAVED_POLICY = `${POLICY}.saved-by-tests`;

/** Whether this process may install Debian packages. */
export function canInstall(): boolean {
  return process.getuid?.() === 0 && findBinary(['apt-get']) !== undefined;
}

/** Installs a Debian package without starting the service in it. */
export async function install(packageName: string): Promise<void> {
  process.stderr.write(`Installing ${packageName} with apt-get, for the tests.\n`);
  await withoutServices(async () => {
    // Existing package lists may be enough; otherwise the installation fails with a clear error.
    await aptGet('update').catch(() => undefined);
    await aptGet('install', '-y', '--no-install-recommends', packageName);
  });
}

async function aptGet(...args: string[]): Promise<void> {
  await run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 10 * 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** Does the work while Debian packages may not start their services. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  if (existsSync(POLICY) && !existsSync(SAVED_POLICY)) await rename(POLICY, SAVED_POLICY);
  await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await work();
  } finally {
    await rm(POLICY, { force: true });
    if (existsSync(SAVED_POLICY)) await rename(SAVED_POLICY, POLICY);
  }
}
