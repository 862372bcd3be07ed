import { canInstall, install } from './apt';
import { withLock } from './lock';

/** A program that the tests need. */
export interface Program {
  readonly title: string;
  /** Where it is on this machine, if it is. */
  find(): string | undefined;
  readonly debianPackage: string;
  /** The variable that makes the program needless. */
  readonly variable?: string;
}

/** The path of a program, which is installed if it has to be and can be. */
export async function findOrInstall(program: Program): Promise<string> {
  const found = program.find();
  if (found !== undefined) return found;
  if (!canInstall()) throw new Error(advice(program));
  // One lock for all packages: apt can do one thing at a time.
  return withLock('otp-service-test-apt', () => installed(program));
}

async function installed(program: Program): Promise<string> {
  // Another process may have installed it while this one waited for the lock.
  let found = program.find();
  if (found !== undefined) return found;
  try {
    await install(program.debianPackage);
  } catch (cause) {
    throw new Error(`${advice(program)} Installing it failed: ${String(cause)}`, { cause });
  }
  found = program.find();
  if (found === undefined) throw new Error(advice(program));
  return found;
}

function advice({ title, debianPackage, variable }: Program): string {
  const way = `install it so that it is in PATH (on Debian: apt-get install ${debianPackage})`;
  const otherWay = variable === undefined ? '' : `, or set ${variable} to the URL of a server`;
  return `The tests need ${title}, which is not on this machine: ${way}${otherWay}.`;
}
