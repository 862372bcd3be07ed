import dns from 'node:dns';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { seconds } from '../../src/common/durations.js';
import { Database, type DatabaseEngine } from '../../src/storage/engines/database.js';
import { openPostgres } from '../../src/storage/engines/postgres.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { scaleTimeLimit } from '../support/time-scale.js';

/** Six for each pooled connection. A commit takes 0.5 s, so the last transactions wait for 2.5 s. */
const TRANSACTIONS = 120;
/** Makes each commit of an insert take 0.5 s. */
const SLOW_COMMIT_SCHEMA = [
  'create table rows (n integer)',
  `create function slow_commit() returns trigger language plpgsql as
   'begin perform pg_sleep(0.5); return null; end'`,
  `create constraint trigger slow_commit after insert on rows
   deferrable initially deferred for each row execute function slow_commit()`,
];
const INSERT = { statement: { name: 'insert', text: 'insert into rows values (1)' }, values: [] };

const getErrorMessages = async (operations: Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(operations))
    .filter((outcome) => outcome.status === 'rejected')
    .map(({ reason }) => (reason as Error).message);

describe('The PostgreSQL connection pool', () => {
  let server: PostgresServer;
  let url: string;
  let engine: DatabaseEngine;

  beforeAll(async () => {
    server = await startPostgres();
    url = await server.createDatabase();
    await queryPostgres(url, ...SLOW_COMMIT_SCHEMA);
  });

  afterEach(() => engine.close());

  afterAll(() => server.stop());

  const insertAll = () =>
    getErrorMessages(
      Array.from({ length: TRANSACTIONS }, () => engine.transaction((run) => run([INSERT]))),
    );

  it('lets an operation wait for a connection as long as a request may take', async () => {
    engine = openPostgres(url, scaleTimeLimit(seconds(5)));

    expect(await insertAll()).toEqual([]);
  });

  it('fails an operation that waits longer', async () => {
    engine = openPostgres(url, seconds(2));

    const failures = await insertAll();

    expect(failures.length).toBeGreaterThan(0);
    expect(new Set(failures)).toEqual(new Set(['timeout exceeded when trying to connect']));
  });
});

/** The error of a start with this `DATABASE_URL`. */
async function getStartError(url: string): Promise<string> {
  const database = new Database(openPostgres(url, seconds(5)));
  const [message = 'none'] = await getErrorMessages([database.onModuleInit()]);
  await database.onApplicationShutdown();
  return message;
}

describe('A start while PostgreSQL does not run', () => {
  afterEach(() => jest.restoreAllMocks());

  it('fails with what to do, also if the host has several addresses', async () => {
    // Node gives no message if it could connect to none of them.
    jest.spyOn(dns, 'lookup').mockImplementation((...args: unknown[]) => {
      const callback = args.at(-1) as (error: null, addresses: dns.LookupAddress[]) => void;
      const addresses = ['127.0.0.1', '127.0.0.2'];
      callback(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
    });
    const url = 'postgres://database.test:1/otp';
    const engine = openPostgres(url, seconds(5));

    expect(await getStartError(url)).toBe(
      'The database of DATABASE_URL cannot be used: ECONNREFUSED. ' +
        'Check the host and the port in the URL, and whether PostgreSQL runs.',
    );
    const [failure] = await getErrorMessages([engine.runBatch([INSERT])]);
    expect(failure).toBe('ECONNREFUSED');
    await engine.close();
  });
});

describe('A start with a PostgreSQL that the service cannot use', () => {
  const PASSWORD = 'a-password-that-only-tests-know';
  let server: PostgresServer;
  let database: URL;

  beforeAll(async () => {
    server = await startPostgres({ dedicated: true });
    database = new URL(await server.createDatabase());
    await queryPostgres(
      database.href,
      ...['otp', 'stranger', 'guest', 'crowd', 'reader'].map((role) => `create role ${role} login`),
      'revoke create on schema public from public',
      'alter role crowd connection limit 0',
      'alter role reader set default_transaction_read_only = on',
    );
    const file = await queryPostgres(database.href, 'show hba_file');
    const rules = ['host all otp all scram-sha-256', 'host all stranger all reject'];
    writeFileSync(file, [...rules, readFileSync(file, 'utf8')].join('\n'));
    // Reads the rules.
    await server.shutDown();
    await server.restart();
  });

  afterAll(() => server.stop());

  it.each([
    [
      'the password is wrong',
      'otp',
      {},
      /password authentication failed for user "otp"\. Check the user/,
    ],
    [
      'no rule lets the user in',
      'stranger',
      {},
      /pg_hba\.conf rejects .*no encryption\. .*sslmode=/,
    ],
    [
      'there is no such database',
      'guest',
      { pathname: '/nodb' },
      /"nodb" does not exist\. Create the database/,
    ],
    [
      'the user may not create tables',
      'guest',
      {},
      /permission denied for schema public\. Its user must/,
    ],
    [
      'no connection is left',
      'crowd',
      {},
      /too many connections for role "crowd"\. Raise the limit/,
    ],
    ['it is read-only', 'reader', {}, /the server is read-only\. The URL must lead to a primary/],
    [
      'it has no TLS',
      'guest',
      { search: '?sslmode=verify-full' },
      /does not support SSL connections\. Turn on TLS/,
    ],
  ])(
    'fails with the reason and what to do, without the password, if %s',
    async (_case, user, parts, reason) => {
      const url = Object.assign(new URL(database.href), {
        username: user,
        password: PASSWORD,
        ...parts,
      });

      const message = await getStartError(url.href);

      expect(message).toMatch(/^The database of DATABASE_URL cannot be used: /);
      expect(message).toMatch(reason);
      expect(message).not.toContain(PASSWORD);
    },
  );
});

describe('A connection to a PostgreSQL server that does not respond', () => {
  let silentServer: Server;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    silentServer = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silentServer, 'listening');
  });

  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    silentServer.close();
  });

  it('fails after two seconds, even if a request may take longer', async () => {
    const { port } = silentServer.address() as AddressInfo;
    const engine = openPostgres(`postgres://127.0.0.1:${String(port)}/otp`, seconds(60));
    const startedAt = performance.now();

    expect(await getErrorMessages([engine.runBatch([INSERT])])).toHaveLength(1);

    // The other two seconds are for a slow machine.
    expect(performance.now() - startedAt).toBeLessThan(scaleTimeLimit(seconds(4)));
    await engine.close();
  });
});
