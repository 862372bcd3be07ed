import { execFile } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinary } from './binaries';
import { dropPrivileges } from './drop-privileges';
import { findOrInstall } from './find-or-install';
import { LOOPBACK } from './ports';

const run = promisify(execFile);

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];

/** A server's certificate for 127.0.0.1, issued by a private authority. The files are PEM. */
export interface Certificate {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  remove(): Promise<void>;
}

/** Issues a certificate with an authority of its own. */
export async function issueCertificate(): Promise<Certificate> {
  const openssl = await findOrInstall({
    title: 'OpenSSL',
    find: () => findBinary(['openssl']),
    debianPackage: 'openssl',
  });
  const user = dropPrivileges();
  const folder = await mkdtemp(join(tmpdir(), 'otp-service-test-certificate-'));
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const request = (name: string, ...options: string[]) =>
    run(
      openssl,
      ['req', '-x509', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.crt`, ...options],
      { ...user, cwd: folder },
    );
  await request('ca', '-subj', '/CN=Test authority');
  await request(
    'server',
    ...['-CA', 'ca.crt', '-CAkey', 'ca.key', '-subj', '/CN=Test server'],
    ...['-addext', `subjectAltName=IP:${LOOPBACK}`, '-addext', 'basicConstraints=CA:FALSE'],
  );
  return {
    caFile: join(folder, 'ca.crt'),
    certFile: join(folder, 'server.crt'),
    keyFile: join(folder, 'server.key'),
    remove: () => rm(folder, { recursive: true }),
  };
}
