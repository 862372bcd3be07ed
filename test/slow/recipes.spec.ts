import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, parseAllDocuments } from 'yaml';
import { minutes } from '../../src/common/durations.js';
import { SECRET_NAMES } from '../../src/config/config.module.js';
import { parseEnvironment } from '../../src/config/environment.js';
import { toFileVariable } from '../../src/config/secret-files.js';
import { tracingConfig } from '../../src/config/tracing.config.js';
import { startSandbox } from '../../src/sandbox/sandbox.js';
import { spawnProgram } from '../support/child-program.js';
import { callSandbox } from '../support/sandbox-calls.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { startNginx } from '../support/services/nginx.js';
import { freePort } from '../support/services/ports.js';
import {
  createCertificate,
  startTlsCaddy,
  startTlsNginx,
  TlsClient,
  type TlsProxy,
} from '../support/tls-proxy.js';

const PAGE = readFileSync('docs/recipes.md', 'utf8');
const blocksOf = (language: string) =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(
    ([, block = '']) => block,
  );
const [NGINX = '', NGINX_REPLICAS = ''] = blocksOf('nginx');
const [CADDY = ''] = blocksOf('caddyfile');
const [PATCH = '', PROVIDERS = '', , , WORKFLOW = ''] = blocksOf('yaml');
const NUMBER = '+14155552671';

jest.setTimeout(minutes(2));

/** @returns the port */
async function listen(server: Server, port: number): Promise<number> {
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

describe.each([
  ['nginx', NGINX, startTlsNginx],
  ['Caddy', CADDY, startTlsCaddy],
] as const)('The service behind %s, as in docs/recipes.md,', (_name, recipe, startProxy) => {
  let folder: string;
  let caFile: string;
  let service: SandboxedService;
  let proxy: TlsProxy;
  let clients: TlsClient[];

  beforeEach(async () => {
    clients = [];
    folder = mkdtempSync(join(tmpdir(), 'otp-recipes-'));
    caFile = createCertificate(folder);
    service = await startSandboxedService({
      TRUST_PROXY: '1',
      THROTTLE_VERIFY_LIMIT: '2',
      METRICS_PUBLIC: 'true',
    });
    proxy = await startProxy(recipe, folder, service.url);
  });

  afterEach(async () => {
    for (const client of clients) client.close();
    await proxy.stop();
    await service.close();
    rmSync(folder, { recursive: true });
  });

  function connect(localAddress?: string): TlsClient {
    const client = new TlsClient(proxy.port, readFileSync(caFile), localAddress);
    clients.push(client);
    return client;
  }

  it('sends and verifies a code over TLS', async () => {
    const client = connect();
    const sent = await client.send('/otp/send', {}, JSON.stringify({ phoneNumber: NUMBER }));
    const { pinId } = JSON.parse(sent.body) as { pinId: string };
    const [otpCode] = await service.getReceivedCodes(NUMBER);

    const verified = await client.send('/otp/verify', {}, JSON.stringify({ pinId, otpCode }));

    expect(JSON.parse(verified.body)).toEqual({ verified: true });
  });

  it('limits each client by its own address, and believes no forged X-Forwarded-For', async () => {
    const [first, second] = [connect('127.0.0.1'), connect('127.0.0.2')];
    const read = async (client: TlsClient, forwarded: string) =>
      (await client.send('/otp/x', { 'x-forwarded-for': forwarded })).status;

    const statuses = [
      await read(first, '192.0.2.1'),
      await read(first, '192.0.2.2'),
      await read(first, '127.0.0.2, 192.0.2.3'),
      await read(second, '127.0.0.1'),
    ];

    expect(statuses).toEqual([404, 404, 429, 404]);
  });

  it('passes on 429 and 503 with Retry-After and the problem document', async () => {
    const client = connect();
    const send = () => client.send('/otp/send', {}, JSON.stringify({ phoneNumber: NUMBER }));
    await send();

    const limited = await send();

    expect(limited.status).toBe(429);
    expect(limited.headers['retry-after']).toBe('30');
    expect(limited.headers['content-type']).toContain('application/problem+json');
    expect(JSON.parse(limited.body)).toMatchObject({ code: 'cooldown_active' });

    await failNextSend();
    const failed = await client.send('/otp/send', {}, '{"phoneNumber":"+14155552672"}');
    expect(failed.status).toBe(503);
    expect(failed.headers['retry-after']).toMatch(/^\d+$/);
    expect(JSON.parse(failed.body)).toMatchObject({ code: 'provider_unavailable' });
  });

  it('answers a body of 17 KiB itself, with 413', async () => {
    const reply = await connect().send('/otp/send', {}, JSON.stringify('x'.repeat(17 * 1024)));

    expect(reply.status).toBe(413);
    expect(JSON.parse(reply.body)).toMatchObject({ status: 413 });
  });

  it('keeps connections open on both sides', async () => {
    const sockets = new Set<Socket>();
    (service.app.getHttpServer() as Server).on('connection', (socket: Socket) => {
      sockets.add(socket);
    });
    const client = connect();

    for (let i = 0; i < 20; i += 1) {
      expect((await client.send('/health/live')).headers['connection']).not.toBe('close');
    }

    expect(sockets.size).toBe(1);
  });

  it('shows no metrics to clients', async () => {
    const client = connect();
    const paths = ['/metrics', '/metrics/', '/metrics/?x', '/%6detrics', '/%6detrics/'];

    const replies = await Promise.all(paths.map((path) => client.send(path)));

    expect(replies.map(({ status }) => status)).toEqual(paths.map(() => 404));
    // A problem document would come from the service.
    const types = replies.map(({ headers }) => String(headers['content-type']));
    expect(types.filter((type) => type.includes('problem'))).toEqual([]);
  });

  /** Makes the sandbox answer the next sends with 429, also their repetitions. */
  async function failNextSend(): Promise<void> {
    const fault = { operation: 'send', kind: 'throttled', times: 5 };
    await callSandbox(service.sandboxUrl, 'PUT', 'faults', fault);
  }
});

describe('docs/recipes.md', () => {
  it('has two replicas for nginx, which answers while one after the other restarts', async () => {
    const replicas = [createServer(), createServer()].map((server) =>
      server.on('request', (_request, response) => response.end()),
    );
    const ports = await Promise.all(replicas.map((replica) => listen(replica, 0)));
    const upstream = ports.reduce(
      (text, port, i) => text.replace(`10.0.0.${String(i + 1)}:3000`, `127.0.0.1:${String(port)}`),
      NGINX_REPLICAS,
    );
    const nginx = await startNginx(
      (port) =>
        `${upstream} server { listen 127.0.0.1:${String(port)}; location / { proxy_pass http://otp; } }`,
    );
    const statuses: number[] = [];
    for (const [i, replica] of replicas.entries()) {
      replica.close();
      for (let n = 0; n < 4; n += 1) {
        statuses.push((await fetch(`http://127.0.0.1:${String(nginx.port)}/`)).status);
      }
      await listen(replica, ports[i] ?? 0);
    }

    expect(new Set(statuses)).toEqual(new Set([200]));
    await nginx.stop();
    for (const replica of replicas) replica.close();
  });

  it('has a patch for Kubernetes that names the files of secrets which the vaults write', () => {
    const patch = parse(PATCH) as {
      spec: { template: { spec: { containers: { env: { name: string; value: string }[] }[] } } };
    };
    const env = patch.spec.template.spec.containers[0]?.env ?? [];

    expect(env.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['OTP_SECRET_FILE', 'API_KEYS_FILE', 'INFOBIP_API_KEY_FILE']),
    );
    for (const { name, value } of env) {
      expect(SECRET_NAMES.map(toFileVariable)).toContain(name);
      expect(value).toBe(`/run/secrets/otp/${name.replace(/_FILE$/, '').toLowerCase()}`);
    }
    expect(parseAllDocuments(PROVIDERS).map((document) => document.errors)).toEqual([[], [], []]);
    expect(PROVIDERS.match(/otp_secret }|objectAlias: otp_secret/g)).toHaveLength(3);
  });

  it('has a header for Sentry that the settings accept', () => {
    const [, headers = ''] = /^OTEL_EXPORTER_OTLP_HEADERS=(.*)$/m.exec(PAGE) ?? [];
    const env = parseEnvironment({
      OTP_SECRET: 'x'.repeat(32),
      OTEL_EXPORTER_OTLP_HEADERS: headers,
    });

    expect(tracingConfig(env).headers).toEqual([['x-sentry-auth', 'sentry sentry_key=PUBLIC_KEY']]);
  });

  it('has a workflow for GitHub whose command waits for the sandbox', async () => {
    const { jobs } = parse(WORKFLOW) as { jobs: { test: { steps: { run?: string }[] } } };
    const command = jobs.test.steps.find(({ run }) => run?.startsWith('curl'))?.run ?? '';
    const port = await freePort();
    const program = spawnProgram(command.replace(':3999', `:${String(port)}`), '.');
    // Longer than curl needs to find that nothing listens.
    await delay(500);
    const sandbox = await startSandbox({ port });

    expect(await program.ended()).toBe(0);
    expect(program.output).toBe('[]');
    await sandbox.close();
  });
});
