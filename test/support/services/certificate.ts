import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { User } from './drop-privileges';

/** The key and the certificate of a server that accepts TLS, as PEM. */
export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** The paths of a server's key and certificate in its folder. */
export const certificateFiles = (folder: string) => ({
  keyFile: join(folder, 'server.key'),
  certFile: join(folder, 'server.pem'),
});

/** Writes the files for a server; PostgreSQL accepts only a key that no other user can read. */
export async function writeCertificate(
  folder: string,
  { key, cert }: Certificate,
  user: User | undefined,
): Promise<void> {
  const { keyFile, certFile } = certificateFiles(folder);
  await writeFile(certFile, cert);
  await writeFile(keyFile, key, { mode: 0o600 });
  if (user !== undefined) await chown(keyFile, user.uid, user.gid);
}
