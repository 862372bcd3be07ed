import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { DomainError } from '../../src/common/domain-error.js';
import { minutes } from '../../src/common/durations.js';
import { toProblem } from '../../src/http/problem.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { startService, type RunningService } from '../support/service.js';
import { debianPostgresFolders, pathFolders } from '../support/services/binaries.js';
import { startCaddy, type Caddy } from '../support/services/caddy.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres } from '../support/services/postgres.js';

jest.setTimeout(minutes(2));

const CADDYFILE = 'deploy/compose/Caddyfile';
const NUMBER = '+14155550123';

describe('The load balancer of compose.yaml', () => {
  let caddy: Caddy | undefined;
  let sandbox: Sandbox;
  let replica: RunningService;
  let stub: Server | undefined;

  beforeEach(async () => {
    sandbox = await startSandbox({ port: 0 });
    // As in compose.yaml: the balancer is one hop.
    replica = await startService({
      INFOBIP_BASE_URL: sandbox.url,
      TRUST_PROXY: '1',
      THROTTLE_SEND_LIMIT: '1',
    });
  });

  afterEach(async () => {
    await caddy?.stop();
    stub?.closeAllConnections();
    stub?.close();
    await replica.close();
    await sandbox.close();
  });

  async function startBalancer(firstUrl: string, secondUrl: string): Promise<string> {
    caddy = await startCaddy(CADDYFILE, {
      'otp-1:3000': new URL(firstUrl).host,
      'otp-2:3000': new URL(secondUrl).host,
    });
    return caddy.url;
  }

  /** Starts a replica that answers only its readiness check and records the path of each request. */
  async function startStub(readyStatus: number): Promise<{ url: string; paths: string[] }> {
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url ?? '');
      if (request.url !== '/health/ready') request.socket.destroy();
      else response.writeHead(readyStatus).end();
    });
    stub = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${String(port)}`, paths };
  }

  /** The second check shows that the balancer has the answer to the first. */
  async function untilCheckedTwice(paths: readonly string[]): Promise<void> {
    const checks = () => paths.filter((path) => path === '/health/ready').length;
    for (let i = 0; i < 500 && checks() < 2; i += 1) await delay(20);
  }

  const getLiveStatus = async (url: string) => (await fetch(`${url}/health/live`)).status;

  /** Sends a code to a number, from an address; returns the status and the problem's code. */
  async function send(
    url: string,
    phoneNumber: string,
    forwardedFor = '192.0.2.1',
    localAddress = '127.0.0.1',
  ) {
    const dispatcher = new Agent({ localAddress });
    const response = await request(`${url}/otp/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': forwardedFor },
      body: JSON.stringify({ phoneNumber }),
      dispatcher,
    });
    const text = await response.body.text();
    await dispatcher.close();
    const { code } = (text === '' ? {} : JSON.parse(text)) as { code?: string };
    return [response.statusCode, code];
  }

  it('leaves out a replica that is not ready, and one that does not run', async () => {
    const { url: stubUrl, paths } = await startStub(503);
    const url = await startBalancer(replica.url, stubUrl);
    await untilCheckedTwice(paths);
    paths.length = 0;

    for (let i = 0; i < 20; i += 1) expect(await getLiveStatus(url)).toBe(200);

    expect(paths.filter((path) => path !== '/health/ready')).toEqual([]);
    stub?.closeAllConnections();
    stub?.close();
    for (let i = 0; i < 20; i += 1) expect(await getLiveStatus(url)).toBe(200);
  });

  it('tries the other replica at once if one has just ended', async () => {
    const { url: stubUrl, paths } = await startStub(200);
    const url = await startBalancer(replica.url, stubUrl);
    await untilCheckedTwice(paths);
    stub?.closeAllConnections();
    stub?.close();

    for (let i = 0; i < 20; i += 1) expect(await getLiveStatus(url)).toBe(200);
  });

  it('answers with a problem document of the service and Retry-After if no replica is ready', async () => {
    const { url: stubUrl, paths } = await startStub(503);
    const url = await startBalancer(stubUrl, stubUrl);
    await untilCheckedTwice(paths);

    const response = await fetch(`${url}/otp/send`, { method: 'POST' });

    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const { type, title } = toProblem(new DomainError('storage_unavailable'), '', '');
    expect(await response.json()).toEqual({
      type,
      title,
      status: 503,
      detail: 'No replica of the service is ready. Retry after the time in Retry-After.',
      code: 'storage_unavailable',
      // Without it, the TypeScript client does not recognise the document.
      requestId: expect.stringMatching(/^[\da-f-]{36}$/) as string,
    });
    expect(paths).not.toContain('/otp/send');
  });

  it('does not repeat a request that a replica may have received', async () => {
    const { url: stubUrl, paths } = await startStub(200);
    const url = await startBalancer(stubUrl, stubUrl);

    expect(await send(url, NUMBER)).toEqual([502, undefined]);

    expect(paths.filter((path) => path === '/otp/send')).toHaveLength(1);
  });

  it('passes on the address of the client, which the client cannot forge with a header', async () => {
    const url = await startBalancer(replica.url, replica.url);

    // The limit is one send a minute for each address. The first two sends come from one address.
    expect(await send(url, '+14155550101', '192.0.2.1')).toEqual([200, undefined]);
    expect(await send(url, '+14155550102', '192.0.2.2')).toEqual([429, 'too_many_requests']);
    expect(await send(url, '+14155550104', '192.0.2.1', '127.0.0.2')).toEqual([200, undefined]);
    // A replica trusts the header of any direct caller, so let only the balancer reach it.
    expect(await send(replica.url, '+14155550103', '192.0.2.3')).toEqual([200, undefined]);
  });
});

describe('The database role of compose.yaml', () => {
  it('owns its database, is no superuser, and can migrate and use it', async () => {
    const postgres = await startPostgres({ dedicated: true });
    const { hostname, port } = new URL(postgres.url);
    await promisify(execFile)('sh', ['deploy/compose/create-role.sh'], {
      env: {
        PATH: [...debianPostgresFolders(), ...pathFolders()].join(':'),
        PGHOST: hostname,
        PGPORT: port,
        POSTGRES_PASSWORD: "it's a password",
      },
    });
    const sandbox = await startSandbox({ port: 0 });
    const DATABASE_URL = `postgres://otp@${hostname}:${port}/otp`;
    const service = await startService({ DATABASE_URL, INFOBIP_BASE_URL: sandbox.url });

    await service.http.post('/otp/send').send({ phoneNumber: NUMBER }).expect(200);

    const roles = await queryPostgres(
      postgres.url,
      `select rolname, rolsuper, rolcreatedb, rolcreaterole, rolpassword is null from pg_authid
        where rolcanlogin order by rolname`,
    );
    expect(roles).toBe('otp|f|f|f|f\npostgres|t|t|t|t');
    await service.close();
    await sandbox.close();
    await postgres.stop();
  });
});
