import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();

// A history takes gigabytes, so the folders are removed at every kind of exit.
process.once('exit', () => {
  folders.forEach(removeFolder);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(1));
}

/** Creates an empty folder, which is removed at the end of the run at the latest. */
export function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'otp-bench-'));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}
