import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { minutes } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { createPrivateCa, type PrivateCa } from '../support/private-ca.js';
import { startReplica, type Replica } from '../support/replica.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';

/** The name in the certificate. URLs with 127.0.0.1, where the servers listen, do not match it. */
const HOST = 'localhost';

jest.setTimeout(minutes(1));

describe('Servers whose certificates are from a private authority', () => {
  let folder: string;
  let ca: PrivateCa;
  let sandbox: Sandbox;
  let postgres: PostgresServer;
  let redis: RedisServer;
  let databaseUrl: string;
  let replica: Replica | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'otp-ca-'));
    ca = createPrivateCa(folder, HOST);
    [postgres, redis, sandbox] = await Promise.all([
      startPostgres({ certificate: ca }),
      startRedis({ certificate: ca }),
      startSandbox({ port: 0 }),
    ]);
    databaseUrl = await postgres.createDatabase();
  });
  afterAll(async () => {
    await Promise.all([postgres.stop(), redis.stop(), sandbox.close()]);
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    await replica?.stop();
    replica = undefined;
  });

  const start = async (settings: NodeJS.ProcessEnv): Promise<Replica> => {
    replica = await startReplica({ INFOBIP_BASE_URL: sandbox.url, ...settings });
    return replica;
  };
  const withHost = (url: string) => url.replace('127.0.0.1', HOST);
  const verifyFull = (url: string) => `${url}?sslmode=verify-full`;
  const withAuthority = (url: string) => `${url}&sslrootcert=${ca.caFile}`;

  it.each([
    ['sslrootcert', () => ({ DATABASE_URL: withAuthority(verifyFull(withHost(databaseUrl))) })],
    [
      'NODE_EXTRA_CA_CERTS',
      () => ({
        DATABASE_URL: verifyFull(withHost(databaseUrl)),
        NODE_EXTRA_CA_CERTS: ca.caFile,
      }),
    ],
  ])('PostgreSQL is used over TLS with %s', async (_setting, settings) => {
    const { http } = await start(settings());

    await http.get('/health/ready').expect(200);
    const connections = `select count(*) > 0, bool_and(ssl) from pg_stat_ssl
      join pg_stat_activity using (pid) where application_name = 'otp-service'`;
    expect(await queryPostgres(databaseUrl, connections)).toBe('t|t');
  });

  it('PostgreSQL is not used without the authority', async () => {
    const DATABASE_URL = verifyFull(withHost(databaseUrl));

    await expect(start({ DATABASE_URL })).rejects.toThrow('unable to verify');
  });

  it('PostgreSQL is not used if the certificate has another name', async () => {
    const DATABASE_URL = withAuthority(verifyFull(databaseUrl));

    await expect(start({ DATABASE_URL })).rejects.toThrow("does not match certificate's altnames");
  });

  it('PostgreSQL is not used if its certificate has expired, and the error says what to do', async () => {
    const expiredFolder = join(folder, 'expired');
    mkdirSync(expiredFolder);
    const expired = createPrivateCa(expiredFolder, HOST, -1);
    const server = await startPostgres({ certificate: expired });
    const url = verifyFull(withHost(await server.createDatabase()));

    await expect(start({ DATABASE_URL: `${url}&sslrootcert=${expired.caFile}` })).rejects.toThrow(
      'certificate has expired. Renew the certificate of PostgreSQL',
    );
    await server.stop();
  });

  it('Redis is used over TLS with NODE_EXTRA_CA_CERTS', async () => {
    const { http } = await start({
      DATABASE_URL: databaseUrl,
      REDIS_URL: withHost(redis.url),
      NODE_EXTRA_CA_CERTS: ca.caFile,
    });

    await http.get('/health/ready').expect(200);
  });

  it('Redis is not used without the authority, which is logged once', async () => {
    const started = await start({ DATABASE_URL: databaseUrl, REDIS_URL: withHost(redis.url) });
    for (let checks = 0; checks < 20; checks += 1) {
      await started.http.get('/health/ready').expect(503);
      await delay(50);
    }

    expect(started.output.match(/Redis is not available: [^"]*/g)).toEqual([
      'Redis is not available: unable to verify the first certificate',
    ]);
  });
});
