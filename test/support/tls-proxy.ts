import { chmodSync, writeFileSync } from 'node:fs';
import { Agent, request, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { startCaddy } from './services/caddy.js';
import { startNginx } from './services/nginx.js';
import { createPrivateCa } from './private-ca.js';

/** A reverse proxy with TLS for `localhost`, in front of a service. */
export interface TlsProxy {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts a proxy with a configuration of docs/recipes.md.
 * @param recipe the configuration; its host name, ports and certificate are replaced
 * @param folder the folder of {@link createCertificate}
 */
export type StartTlsProxy = (
  recipe: string,
  folder: string,
  serviceUrl: string,
) => Promise<TlsProxy>;

/**
 * Creates a key and a certificate for localhost in the folder. The proxy's user can read them.
 * @returns the file of the CA that issued it
 */
export function createCertificate(folder: string): string {
  const { caFile } = createPrivateCa(folder, 'localhost');
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'server.key'), 0o644);
  return caFile;
}

export const startTlsNginx: StartTlsProxy = (recipe, folder, serviceUrl) =>
  startNginx((port) =>
    recipe
      .replace('127.0.0.1:3000', new URL(serviceUrl).host)
      .replace('otp.example.com', 'localhost')
      .replace('listen 443', `listen ${String(port)}`)
      .replace('/etc/ssl/otp.example.com.pem', join(folder, 'server.pem'))
      .replace('/etc/ssl/otp.example.com.key', join(folder, 'server.key')),
  );

export const startTlsCaddy: StartTlsProxy = (recipe, folder, serviceUrl) => {
  const tls = `tls ${join(folder, 'server.pem')} ${join(folder, 'server.key')}`;
  const site = recipe
    .replace('127.0.0.1:3000', new URL(serviceUrl).host)
    .replace('otp.example.com {', `https://localhost:{$PORT} {\n\t${tls}`);
  const file = join(folder, 'Caddyfile.recipe');
  // No admin API, and no redirects: they would need port 80, which another test may use.
  writeFileSync(file, `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`);
  return startCaddy(file, {});
};

interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** An HTTPS client with one connection that stays open. */
export class TlsClient {
  private readonly agent: Agent;

  /** @param localAddress the client's own address, such as 127.0.0.2 */
  constructor(
    private readonly port: number,
    ca: Buffer,
    private readonly localAddress = '127.0.0.1',
  ) {
    this.agent = new Agent({ ca, keepAlive: true, maxSockets: 1 });
  }

  /** A GET, or a POST of this JSON text. */
  send(path: string, headers: Record<string, string> = {}, json?: string): Promise<Response> {
    const { agent, port, localAddress } = this;
    const options: RequestOptions = {
      agent,
      port,
      path,
      localAddress,
      family: 4,
      host: 'localhost',
      method: json === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...(json !== undefined && { 'content-type': 'application/json' }) },
    };
    return new Promise((resolve, reject) => {
      request(options, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      })
        .on('error', reject)
        .end(json);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
