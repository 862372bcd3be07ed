import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { seconds } from '../../src/common/durations.js';
import type { DatabaseEngine } from '../../src/storage/engines/database.js';
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
    const engine = openPostgres('postgres://database.test:1/otp', seconds(5));

    await expect(engine.migrate()).rejects.toThrow(
      'The database of DATABASE_URL cannot be reached: ECONNREFUSED. Check the host',
    );
    const [failure] = await getErrorMessages([engine.runBatch([INSERT])]);
    expect(failure).toBe('ECONNREFUSED');
    await engine.close();
  });
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
