import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDataFolder } from './data-folder.js';
import { MIN_SECRET_BYTES } from './env-types.js';

const FILE = 'otp-secret';

/**
 * The master secret of a developer's machine: created at the first start and kept in `dataDir`, so
 * that stored data can be decrypted after a restart. Production requires `OTP_SECRET` instead.
 */
export function getDevelopmentSecret(dataDir: string): string {
  const file = join(dataDir, FILE);
  const secret = randomBytes(32).toString('base64url');
  const draft = `${file}.${secret.slice(0, 8)}`;
  createDataFolder(dataDir);
  // Flushed, so that the file is not empty after a power cut.
  writeFileSync(draft, secret, { mode: 0o600, flush: true });
  try {
    // Linking fails if the file exists already. So two processes that start together use the same
    // secret, and neither reads a half-written file.
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(file, 'utf8');
}

/** The error if the secret in `dataDir` cannot be used; none if there is no secret yet. */
export function findSecretFileErrors(dataDir: string): string[] {
  const subject = `DATA_DIR has a file ${FILE} that`;
  try {
    const secret = readFileSync(join(dataDir, FILE), 'utf8').trim();
    if (Buffer.byteLength(secret) >= MIN_SECRET_BYTES) return [];
    return [
      `${subject} ${secret === '' ? 'is empty' : 'is too short for a secret'}: restore it, or delete ` +
        'it and the database to get a new secret',
    ];
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // ENOTDIR: DATA_DIR itself is a file, which the storage reports.
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    return [
      `${subject} cannot be read (${code}): let the service's user read it, or set OTP_SECRET`,
    ];
  }
}
