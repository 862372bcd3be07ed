import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const DEBIAN_POSTGRES = '/usr/lib/postgresql';

/** The folders where the shell looks for commands. */
export function pathFolders(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** The folders where Debian keeps PostgreSQL's programs (outside PATH), highest version first. */
export function debianPostgresFolders(): string[] {
  return listNames(DEBIAN_POSTGRES)
    .filter((version) => !Number.isNaN(Number(version)))
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN_POSTGRES, version, 'bin'));
}

/** The path of the first of these commands in the folders that may be run; `undefined` for none. */
export function findBinary(
  commands: readonly string[],
  folders: readonly string[] = pathFolders(),
): string | undefined {
  return folders
    .flatMap((folder) => commands.map((command) => join(folder, command)))
    .find(isExecutable);
}

/** The names in a folder; none if there is no such folder. */
function listNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
