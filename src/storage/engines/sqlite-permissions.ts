import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { createDataFolder } from '../../config/data-folder.js';

/** The permissions of the group and of all others. */
const OTHERS = 0o077;

/** The service's files (`otp.db`, its backups, `otp-secret`), and `lost+found` of a volume. */
const OWN_FILE = /^(otp[-.]|lost\+found$)/;

const logger = new Logger('SQLite');

/**
 * Creates the folder and the database file for their owner alone. If they exist, removes the
 * permissions of other users.
 */
export function createPrivateDatabase(folder: string, file: string): void {
  createDataFolder(folder);
  const path = join(folder, file);
  createPrivateFile(path);
  // SQLite creates the files beside the database with the mode of the database.
  for (const each of [path, `${path}-wal`, `${path}-shm`]) closeToOthers(each);
  // A folder with files of other programs, such as /tmp, keeps its permissions.
  if (readdirSync(folder).every((name) => OWN_FILE.test(name))) closeToOthers(folder);
  else warnAboutSharedFolder(folder);
}

/** Removes the permissions of all users but the owner, and logs that. The file may be missing. */
export function closeToOthers(path: string): void {
  const mode = readMode(path);
  if ((mode & OTHERS) === 0) return;
  const risk = `Other users of this machine could read ${path} (mode ${formatMode(mode)})`;
  try {
    chmodSync(path, mode & ~OTHERS);
    logger.warn(`${risk}. Its mode is ${formatMode(mode & ~OTHERS)} now.`);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    logger.warn(`${risk}, and it cannot be changed (${code}). As its owner, run chmod go= ${path}`);
  }
}

/** Does not open an existing file: closing it would release the locks of SQLite in this process. */
function createPrivateFile(path: string): void {
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function warnAboutSharedFolder(folder: string): void {
  if ((readMode(folder) & OTHERS) === 0) return;
  logger.warn(
    `Other users of this machine can list ${folder}, which also holds other files. ` +
      'Set DATA_DIR to a folder of its own.',
  );
}

/** 0 if there is no such file. */
const readMode = (path: string): number =>
  (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o7777;

const formatMode = (mode: number): string => mode.toString(8);
