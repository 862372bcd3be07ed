import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { newApiKey } from './api-key.js';

/** A client as `CLIENTS_FILE` describes it. */
export type ClientFields = Readonly<Record<string, unknown>>;

/** An API key, and its hash for the field `keys`. */
export function newHashedKey(): { key: string; hash: string } {
  const { key, entry } = newApiKey('any');
  return { key, hash: entry.replace('any:', '') };
}

/** A file for `CLIENTS_FILE`, in a folder of its own. */
export class TestClientsFile {
  readonly folder = mkdtempSync(join(tmpdir(), 'otp-clients-'));
  readonly path = join(this.folder, 'clients.yaml');

  /** Replaces the file in one step, by renaming a new one. */
  write(clients: Readonly<Record<string, ClientFields>>): void {
    this.writeText(stringify({ clients }));
  }

  writeText(text: string): void {
    const draft = join(this.folder, 'draft');
    writeFileSync(draft, text);
    renameSync(draft, this.path);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
