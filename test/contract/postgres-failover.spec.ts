import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../../src/common/durations.js';
import { Database, type DatabaseEngine } from '../../src/storage/engines/database.js';
import { PostgresPool } from '../../src/storage/engines/postgres-pool.js';
import { openPostgres } from '../../src/storage/engines/postgres.js';
import type { BoundStatement, RunBatch } from '../../src/storage/engines/statement-batch.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';

const CONNECTIONS = 3;
const LIFETIME_MS = 100;

/** Answers of a server that is not, or no longer, the one to write to. */
const CONNECTION_ERRORS: [code: string, name: string][] = [
  ['25006', 'read_only_sql_transaction'],
  ['25P02', 'in_failed_sql_transaction'],
  ['25P03', 'idle_in_transaction_session_timeout'],
  ['26000', 'invalid_sql_statement_name'],
  ['57P01', 'admin_shutdown'],
  ['57P02', 'crash_shutdown'],
  ['57P03', 'cannot_connect_now'],
  ['57P05', 'idle_session_timeout'],
  ['08000', 'connection_exception'],
  ['08006', 'connection_failure'],
  ['08P01', 'protocol_violation'],
];

const FUNCTIONS = [
  `create function fail(code text) returns integer language plpgsql as
   $$ begin raise exception 'failed by the test' using errcode = code; end $$`,
  'create table stale_connections (pid integer)',
  `create function write() returns integer language plpgsql as $$ begin
     if exists (select 1 from stale_connections where pid = pg_backend_pid()) then
       raise exception 'failed by the test' using errcode = '25006';
     end if;
     return pg_backend_pid();
   end $$`,
];

const bound = (name: string, text: string, ...values: string[]): BoundStatement => ({
  statement: { name, text },
  values,
});
const READ_PID = bound('pid', 'select pg_backend_pid() as pid');
const failWith = (code: string) => bound('fail', 'select fail($1)', code);
const pidOf = async (run: RunBatch): Promise<number> => {
  const [rows] = await run([READ_PID]);
  return (rows?.[0] as { pid: number }).pid;
};

describe('The connections to PostgreSQL', () => {
  let server: PostgresServer;
  let url: string;
  let engine: DatabaseEngine;

  beforeAll(async () => {
    server = await startPostgres();
    url = await server.createDatabase();
    await queryPostgres(url, ...FUNCTIONS);
  });

  beforeEach(() => {
    engine = openPostgres(url, seconds(5));
  });

  afterEach(() => engine.close());

  afterAll(() => server.stop());

  /** The server processes of several connections, which are all in use at the same time. */
  async function usePids(): Promise<number[]> {
    const pids: number[] = [];
    let release = (): void => undefined;
    const allInUse = new Promise<void>((resolve) => {
      release = resolve;
    });
    await Promise.all(
      Array.from({ length: CONNECTIONS }, () =>
        engine.transaction(async (run) => {
          const pid = await pidOf(run).catch(() => 0);
          if (pids.push(pid) === CONNECTIONS) release();
          await allInUse;
        }),
      ),
    );
    return pids;
  }

  const failuresOf = async (failing: Promise<unknown>): Promise<string[]> =>
    failing.then(
      () => [],
      (error: unknown) => [(error as Error).message],
    );

  const intersect = (one: number[], other: number[]) => one.filter((pid) => other.includes(pid));

  describe.each(CONNECTION_ERRORS)('after the error %s (%s)', (code) => {
    it('are all replaced if it was a batch that failed', async () => {
      const before = await usePids();

      expect(await failuresOf(engine.runBatch([failWith(code)]))).toEqual(['failed by the test']);

      expect(intersect(await usePids(), before)).toEqual([]);
    });

    it('are all replaced if it was a transaction that failed', async () => {
      const before = await usePids();
      const failing = engine.transaction(async (run) => {
        await run([READ_PID]);
        await run([failWith(code)]);
      });

      expect(await failuresOf(failing)).toEqual(['failed by the test']);

      expect(intersect(await usePids(), before)).toEqual([]);
    });
  });

  it('are all replaced when one breaks during a statement', async () => {
    const before = await usePids();
    const end = bound('end', 'select pg_terminate_backend(pg_backend_pid())');

    expect(await failuresOf(engine.runBatch([end]))).toHaveLength(1);

    expect(intersect(await usePids(), before)).toEqual([]);
  });

  it('are kept after an error of a statement', async () => {
    const before = await usePids();

    expect(await failuresOf(engine.runBatch([failWith('22012')]))).toHaveLength(1);

    expect(intersect(await usePids(), before)).toHaveLength(CONNECTIONS);
  });

  it('are replaced once, however many in use fail one after the other', async () => {
    await usePids();
    let failLate = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      failLate = resolve;
    });
    const failing = engine.transaction(async (run) => {
      await run([READ_PID]);
      await late;
      await run([failWith('57P01')]);
    });
    await failuresOf(engine.runBatch([failWith('57P01')]));
    const renewed = await usePids();
    failLate();
    await failuresOf(failing);

    expect(intersect(await usePids(), renewed)).toHaveLength(CONNECTIONS);
  });

  it('repeat what a server that became read-only has refused, on a new connection', async () => {
    const database = new Database(engine);
    const stale = await usePids();
    await queryPostgres(url, `insert into stale_connections select unnest(array[${stale.join()}])`);
    const write = () =>
      database.run((batch) =>
        batch.add<{ write: number }>(bound('write', 'select write()').statement, []),
      );

    const { row } = await write();

    expect(stale).not.toContain(row?.write);
  });

  it('are not opened to a read-only server, except to read', async () => {
    const name = new URL(url).pathname.slice(1);
    await queryPostgres(url, `alter database ${name} set default_transaction_read_only = on`);

    const failures = await failuresOf(engine.runBatch([READ_PID]));
    const reading = openPostgres(url, seconds(5), 'read');
    const readBy = await pidOf(reading.runBatch);
    await reading.close();

    await queryPostgres(
      url,
      'set default_transaction_read_only = off',
      `alter database ${name} reset default_transaction_read_only`,
    );
    expect(failures).toEqual(['the server is read-only']);
    expect(readBy).toBeGreaterThan(0);
    expect(await pidOf(engine.runBatch)).toBeGreaterThan(0);
  });

  it('are replaced after their longest life, even if they were never idle', async () => {
    const pool = new PostgresPool({
      connectionString: url,
      max: 1,
      maxLifetimeSeconds: LIFETIME_MS / seconds(1),
    });
    const old = await pool.connect();
    const { rows: before } = await old.query<{ pid: number }>(READ_PID.statement.text);
    await delay(2 * LIFETIME_MS);
    pool.release(old);

    const renewed = await pool.connect();
    const { rows: after } = await renewed.query<{ pid: number }>(READ_PID.statement.text);
    pool.release(renewed);
    await pool.close();

    expect(after).not.toEqual(before);
  });
});
