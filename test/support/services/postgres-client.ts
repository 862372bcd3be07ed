import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { debianPostgresFolders, findBinary, pathFolders } from './binaries';
import { findOrInstall } from './find-or-install';

const run = promisify(execFile);

/** What PostgreSQL answers to each of these statements, one row a line, columns parted by `|`. */
export async function askPostgres(url: string, ...statements: string[]): Promise<string> {
  const psql = await findOrInstall({
    title: "PostgreSQL's client psql",
    // In PATH Debian has a wrapper of psql, which is slower.
    find: () => findBinary(['psql'], [...debianPostgresFolders(), ...pathFolders()]),
    debianPackage: 'postgresql-client',
  });
  const commands = statements.flatMap((statement) => ['-c', statement]);
  const options = ['--no-psqlrc', '--no-password', '-qtA', '-v', 'ON_ERROR_STOP=1'];
  const { stdout } = await run(psql, [...options, '-d', url, ...commands]);
  return stdout.trim();
}
