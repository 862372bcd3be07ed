import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MIN_SECRET_BYTES } from './env-types.js';

const FILE = 'otp-secret';

/**
 * The master secret of a developer's machine: made at the first start and kept in `dataDir`, so
 * that what was stored can be read after a restart. Production has to bring its own.
 */
export function getDevelopmentSecret(dataDir: string): string {
  const file = join(dataDir, FILE);
  const secret = randomBytes(32).toString('base64url');
  const draft = `${file}.${secret.slice(0, 8)}`;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  // Flushed: after a power cut the file must not be empty.
  writeFileSync(draft, secret, { mode: 0o600, flush: true });
  try {
    // Linking either finds the name free or fails: of two processes that start together both end
    // up with the same secret, and none reads half of one.
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(file, 'utf8');
}

/** The error if `dataDir` has a secret that cannot be used; nothing if there is none yet. */
export function findSecretFileErrors(dataDir: string): string[] {
  const file = `DATA_DIR has a file ${FILE} that`;
  try {
    const secret = readFileSync(join(dataDir, FILE), 'utf8').trim();
    if (Buffer.byteLength(secret) >= MIN_SECRET_BYTES) return [];
    return [
      `${file} ${secret === '' ? 'is empty' : 'is too short for a secret'}: restore it, or delete ` +
        'it to get a new secret; verifications stored with the lost one then answer 410',
    ];
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // ENOTDIR: DATA_DIR itself is a file, which the storage reports.
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    return [`${file} cannot be read (${code}): let the service's user read it, or set OTP_SECRET`];
  }
}
