import { minutes, seconds } from '../../src/common/durations.js';
import type { DatabaseEngine } from '../../src/storage/engines/database.js';
import { openPostgres } from '../../src/storage/engines/postgres.js';
import { startPgBouncer, type PgBouncer, type PoolMode } from '../support/services/pgbouncer.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { scaleTimeLimit } from '../support/time-scale.js';

/** Fewer than the connections of one replica, so that sessions change between transactions. */
const POOL_SIZE = 4;
const REQUESTS = 80;

// PostgreSQL cuts a name after 63 bytes.
const statement = (text: string) => ({ statement: { name: text.slice(0, 63), text }, values: [] });
const oneUpTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

jest.setTimeout(minutes(1));

let postgres: PostgresServer;
let pooler: PgBouncer;
let database: string;
let url: string;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

const startPooler = async (mode: PoolMode, poolSize = POOL_SIZE) => {
  database = await postgres.createDatabase();
  pooler = await startPgBouncer(database, mode, poolSize);
  url = pooler.urlOf(database);
};

describe.each([
  // In session mode, PgBouncer keeps a session for each connection of both replicas.
  ['session', 50],
  ['transaction', POOL_SIZE],
] as const)('Behind PgBouncer in %s mode', (mode, poolSize) => {
  let services: [SandboxedService, SandboxedService];

  beforeAll(async () => {
    await startPooler(mode, poolSize);
    const settings = {
      DATABASE_URL: url,
      THROTTLE_SEND_LIMIT: '100000',
      THROTTLE_VERIFY_LIMIT: '100000',
      PUMPING_FLOOR_PER_HOUR: '100000',
      PUMPING_FLOOR_PER_DAY: '100000',
    };
    // Both migrate the empty database.
    services = await Promise.all([
      startSandboxedService(settings),
      startSandboxedService(settings),
    ]);
  });
  afterAll(async () => {
    await Promise.all(services.map((service) => service.close()));
    await pooler.stop();
  });

  // PgBouncer refuses connections with time limits as parameters, so the service must not pass them.
  it('codes are sent and verified under load, by two replicas', async () => {
    const results = await Promise.all(
      oneUpTo(REQUESTS).map(async (n) => {
        const service = services[n % 2 === 0 ? 0 : 1];
        const phoneNumber = `+1415555${String(2000 + n)}`;
        const sent = await service.http.post('/otp/send').send({ phoneNumber });
        const { pinId } = sent.body as { pinId: string };
        const [otpCode] = await service.getReceivedCodes(phoneNumber);
        const status = await service.http.get(`/otp/${pinId}`);
        const verified = await service.http.post('/otp/verify').send({ pinId, otpCode });
        return [sent.status, status.status, verified.body];
      }),
    );

    expect(results).toEqual(oneUpTo(REQUESTS).map(() => [200, 200, { verified: true }]));
  });

  it('a replica is ready', async () => {
    await services[0].http.get('/health/ready').expect(200);
  });
});

const TRANSACTIONS = [
  ['one batch', (engine: DatabaseEngine, text: string) => engine.runBatch([statement(text)])],
  [
    'several batches',
    (engine: DatabaseEngine, text: string) => engine.transaction((run) => run([statement(text)])),
  ],
] as const;

describe.each(['PostgreSQL', 'PgBouncer in transaction mode'])('Connected to %s', (server) => {
  const isDirect = server === 'PostgreSQL';
  let engine: DatabaseEngine;

  beforeAll(() => startPooler('transaction'));
  afterAll(() => pooler.stop());
  beforeEach(() => {
    engine = openPostgres(isDirect ? database : url, seconds(60));
  });
  afterEach(() => engine.close());

  it.each(TRANSACTIONS)('a transaction of %s has time limits', async (_title, run) => {
    const [limits] = await run(
      engine,
      `select current_setting('statement_timeout') as statement,
        current_setting('idle_in_transaction_session_timeout') as idle`,
    );
    expect(limits).toEqual([{ statement: '2s', idle: '3s' }]);
    await expect(run(engine, 'select pg_sleep(60)')).rejects.toThrow('statement timeout');
  });

  // This test fails without `READ_TIMEOUT_MS` in PostgresPool. The connection is held for longer than a
  // connection that writes may be.
  it('a statement may take minutes on a connection that only reads', async () => {
    const reading = openPostgres(isDirect ? database : url, seconds(60), 'read');

    const [limits] = await reading.runBatch([
      statement(`select current_setting('statement_timeout') as statement from pg_sleep(3)`),
    ]);

    expect(limits).toEqual([{ statement: '5min' }]);
    await reading.close();
  });

  // This test fails without `usesPooler`. Behind a pooler, a session may not know a statement's name, or
  // know it for another client's text.
  it(`statements ${isDirect ? 'stay' : 'do not stay'} prepared`, async () => {
    const [rows] = await engine.runBatch([
      statement('select count(*) from pg_prepared_statements'),
    ]);

    expect(rows).toEqual([{ count: isDirect ? 1 : 0 }]);
  });
});

describe('Other clients of PgBouncer in transaction mode', () => {
  let engine: DatabaseEngine;

  beforeAll(async () => {
    await startPooler('transaction');
    engine = openPostgres(url, seconds(60));
  });
  afterAll(async () => {
    await engine.close();
    await pooler.stop();
  });

  it('do not get the time limits that the service sets in a session', async () => {
    await Promise.all(oneUpTo(20).map(() => engine.runBatch([statement('select pg_sleep(0.1)')])));

    const settings = await Promise.all(
      oneUpTo(POOL_SIZE).map(() =>
        queryPostgres(
          url,
          'begin',
          'show statement_timeout',
          'show idle_in_transaction_session_timeout',
          'select pg_sleep(0.2)',
          'commit',
        ),
      ),
    );
    expect(new Set(settings)).toEqual(new Set(['0\n0\n']));
  });
});

describe('Many transactions of several replicas behind PgBouncer', () => {
  const BATCHES = 200;
  const ROUNDS = 10;
  let engines: readonly DatabaseEngine[];

  beforeAll(async () => {
    await startPooler('transaction');
    engines = [1, 2].map(() => openPostgres(url, seconds(60)));
  });
  afterAll(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    await pooler.stop();
  });

  /** A batch that is longer than what PgBouncer reads at once, so that PgBouncer forwards it in parts. */
  const batchOf = (value: string, n: number) => {
    const text = `select $1::text as value, '${'x'.repeat(60 * (n % 50))}' as padding`;
    return Array(3).fill({ statement: { name: `echo.${n % 50}`, text }, values: [value] });
  };

  // This test fails without `submitAlone` in `runPipeline`: PgBouncer sends parts of a batch to different
  // sessions.
  it('each get their own results', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const results = await Promise.all(
        engines.flatMap((engine, replica) =>
          oneUpTo(BATCHES).map(async (n) => {
            const value = `${replica} ${round} ${n}`;
            const [first, second, third] = await engine.runBatch(batchOf(value, n));
            return [first, second, third].every(
              (rows) => (rows as { value: string }[])[0]?.value === value,
            );
          }),
        ),
      );
      expect(results).not.toContain(false);
    }
  });
});

describe('A PgBouncer without a free session', () => {
  beforeAll(() => startPooler('session', 1));
  afterAll(() => pooler.stop());

  // This test fails without `enforceMaxHoldTime` in PostgresPool: PgBouncer would let the client wait for
  // two minutes.
  it('makes a transaction fail within its deadline, and is used again when a session is free', async () => {
    const engine = openPostgres(url, seconds(5));
    const other = queryPostgres(url, 'select pg_sleep(6)');
    const countSleeping = `select count(*) from pg_stat_activity where query like '%pg_sleep(6)'`;
    while ((await queryPostgres(database, countSleeping)) === '0') continue;
    const startedAt = performance.now();

    await expect(engine.runBatch([statement('select 1 as n')])).rejects.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(scaleTimeLimit(seconds(5)));

    await other;
    expect(await engine.runBatch([statement('select 1 as n')])).toEqual([[{ n: 1 }]]);
    await engine.close();
  });
});

describe('An outage of PostgreSQL behind PgBouncer', () => {
  let server: PostgresServer;
  let service: SandboxedService;

  beforeAll(async () => {
    server = await startPostgres({ dedicated: true });
    database = await server.createDatabase();
    pooler = await startPgBouncer(database, 'transaction', POOL_SIZE);
    service = await startSandboxedService({ DATABASE_URL: pooler.urlOf(database) });
  });
  afterAll(async () => {
    await service.close();
    await pooler.stop();
    await server.stop();
  });

  const status = async () => (await service.http.get('/health/ready')).status;

  it('is answered within the deadline, and the service recovers by itself', async () => {
    expect(await status()).toBe(200);
    await server.shutDown();
    for (const phoneNumber of ['+14155552671', '+14155552672']) {
      const startedAt = performance.now();
      const response = await service.http.post('/otp/send').send({ phoneNumber });
      expectProblem(response, 503, 'storage_unavailable');
      expect(performance.now() - startedAt).toBeLessThan(scaleTimeLimit(seconds(5)));
    }

    await server.restart();
    const resumedAt = performance.now();
    while ((await status()) !== 200) continue;
    expect(performance.now() - resumedAt).toBeLessThan(scaleTimeLimit(seconds(5)));
  });
});

describe('A pooler that the service cannot use', () => {
  afterEach(() => pooler.stop());

  it.each([
    ['transaction', '?options=-c%20search_path%3Dotp', 'ignore_startup_parameters'],
    ['statement', '', 'must have pool_mode=session or pool_mode=transaction'],
  ] as const)('makes the start fail with a reason (%s mode%s)', async (mode, query, reason) => {
    await startPooler(mode);

    await expect(startSandboxedService({ DATABASE_URL: url + query })).rejects.toThrow(reason);
  });
});
