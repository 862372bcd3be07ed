import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The master secret of a developer's machine: made at the first start and kept in `dataDir`, so
 * that what was stored can be read after a restart. Production has to bring its own.
 */
export function getDevelopmentSecret(dataDir: string): string {
  const file = join(dataDir, 'otp-secret');
  const secret = randomBytes(32).toString('base64url');
  const draft = `${file}.${secret.slice(0, 8)}`;
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(draft, secret, { mode: 0o600 });
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
