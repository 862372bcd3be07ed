import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBinary, pathFolders } from './binaries';
import { dropPrivileges } from './drop-privileges';
import { findOrInstall } from './find-or-install';
import { ServiceProcess } from './service-process';

/** A real nginx. */
export interface Nginx {
  readonly port: number;
  stop(): Promise<void>;
}

/** Returns a file like Debian's nginx.conf, but with all temporary files in the folder of the file. */
const buildConfig = (http: string): string => `
daemon off;
pid nginx.pid;
error_log stderr notice;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ${http}
}
`;

/**
 * Starts nginx on a free port.
 * @param buildHttpBlock returns the content of the block `http`, which listens on the port
 */
export async function startNginx(buildHttpBlock: (port: number) => string): Promise<Nginx> {
  const command = await findOrInstall({
    title: 'nginx',
    // Debian installs nginx in a folder that only root has in PATH.
    find: () => findBinary(['nginx'], [...pathFolders(), '/usr/sbin']),
    debianPackage: 'nginx-light',
  });
  const service = await ServiceProcess.start({
    name: 'nginx',
    user: dropPrivileges(),
    prepare: async () => undefined,
    command,
    args: (folder, port) => {
      const file = join(folder, 'nginx.conf');
      writeFileSync(file, buildConfig(buildHttpBlock(port)));
      return ['-p', folder, '-c', file, '-e', 'stderr'];
    },
    ready: 'start worker process',
    // SIGKILL would leave its workers running.
    stopSignal: 'SIGTERM',
  });
  return { port: service.port, stop: () => service.stop() };
}
