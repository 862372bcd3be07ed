import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();

// A history takes gigabytes: nothing of it may stay behind, however the run ends.
process.once('exit', () => {
  folders.forEach(removeFolder);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(1));
}

/** A new empty folder, which ends with the run at the latest. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'otp-bench-'));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}
