import { canInstall, install } from './apt';
import { withLock } from './lock';

/** A program that the tests need. */
export interface RequiredProgram {
  readonly title: string;
  /** The path of the program, if it is installed. */
  find(): string | undefined;
  readonly debianPackage: string;
  /** What can be done instead of installing it, for the error message. */
  readonly alternative?: string;
}

/** Returns the path of a program; installs it if necessary and possible. */
export async function findOrInstall(program: RequiredProgram): Promise<string> {
  const found = program.find();
  if (found !== undefined) return found;
  if (!canInstall()) throw new Error(describeMissing(program));
  // One lock for all packages: apt cannot run twice at the same time.
  return withLock('otp-service-test-apt', () => installLocked(program));
}

/** Installs a program while this process holds the lock. @returns its path */
async function installLocked(program: RequiredProgram): Promise<string> {
  // Another process may have installed it while this one waited for the lock.
  let found = program.find();
  if (found !== undefined) return found;
  try {
    await install(program.debianPackage);
  } catch (cause) {
    throw new Error(`${describeMissing(program)} Installing it failed: ${String(cause)}`, {
      cause,
    });
  }
  found = program.find();
  if (found === undefined) throw new Error(describeMissing(program));
  return found;
}

function describeMissing({ title, debianPackage, alternative }: RequiredProgram): string {
  const install = `install it so that it is in PATH (on Debian: apt-get install ${debianPackage})`;
  return `The tests need ${title}, which is not on this machine: ${alternative === undefined ? install : `${install}, or ${alternative}`}.`;
}
