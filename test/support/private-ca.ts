import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';

/** A certificate authority that no system trusts, and a server with a certificate from it. */
export interface PrivateCa {
  /** The authority's certificate, for `NODE_EXTRA_CA_CERTS`. */
  readonly caFile: string;
  /** The server's key and certificate. */
  readonly key: Buffer;
  readonly cert: Buffer;
}

/**
 * Creates an authority's files in `folder` with openssl: Node's crypto creates no certificates.
 * @param days until the server's certificate expires; -1 if it did yesterday
 */
export function createPrivateCa(folder: string, host: string, days = 2): PrivateCa {
  const openssl = (command: string) =>
    execFileSync('openssl', command.split(' '), { cwd: folder, stdio: 'pipe' });
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
  openssl(`req -x509 ${key} -keyout ca.key -out ca.pem -subj /CN=Private-CA -days 2`);
  openssl(
    `req -new ${key} -keyout server.key -out server.csr -subj /CN=${host} ` +
      `-addext subjectAltName=DNS:${host} -addext basicConstraints=critical,CA:FALSE`,
  );
  openssl(
    `x509 -req -in server.csr -out server.pem -days ${String(days)} ` +
      '-CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy',
  );
  const read = (name: string) => readFileSync(join(folder, name));
  return { caFile: join(folder, 'ca.pem'), key: read('server.key'), cert: read('server.pem') };
}

/** Starts a TLS server in front of a server without TLS. @param url of the server without TLS */
export async function startTlsFront({ key, cert }: PrivateCa, url: string) {
  const port = Number(new URL(url).port);
  const server = createServer({ key, cert }, (socket) => {
    const upstream = connect(port, '127.0.0.1');
    upstream.pipe(socket).pipe(upstream);
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: () => server.close(),
  };
}
