import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBinary } from './binaries';
import { dropPrivileges } from './drop-privileges';
import { findOrInstall } from './find-or-install';
import { LOOPBACK } from './ports';
import { ServiceProcess } from './service-process';

/** A real Caddy. */
export interface Caddy {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts Caddy with a Caddyfile of this project, on a free port.
 * @param hosts the addresses that replace host names of the file
 */
export async function startCaddy(
  caddyfile: string,
  hosts: Readonly<Record<string, string>>,
): Promise<Caddy> {
  const command = await findOrInstall({
    title: 'Caddy',
    find: () => findBinary(['caddy']),
    debianPackage: 'caddy',
  });
  const service = await ServiceProcess.start({
    name: 'caddy',
    user: dropPrivileges(),
    prepare: async () => undefined,
    command,
    args: (folder, port) => {
      const file = join(folder, 'Caddyfile');
      const text = Object.entries(hosts)
        .reduce(
          (all, [host, address]) => all.replace(host, address),
          readFileSync(caddyfile, 'utf8'),
        )
        .replace('{$SITE_ADDRESS}', `http://${LOOPBACK}:${String(port)}`)
        .replace('{$PORT}', String(port));
      writeFileSync(file, text);
      return ['run', '--adapter', 'caddyfile', '--config', file];
    },
    ready: 'serving initial configuration',
    stopSignal: 'SIGKILL',
  });
  return {
    url: `http://${LOOPBACK}:${String(service.port)}`,
    port: service.port,
    stop: () => service.stop(),
  };
}
