import { accessSync, constants, mkdirSync } from 'node:fs';

/**
 * Creates the folder of `DATA_DIR` for its owner alone, if it does not exist.
 * @throws Error that names the setting if the folder cannot be created or written.
 */
export function createDataFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new Error(
      `DATA_DIR (${dataDir}) cannot be used as a directory (${code}): ` +
        "name a directory that the service's user may write.",
      { cause: error },
    );
  }
}
