import { setTimeout as delay } from 'node:timers/promises';
import { minutes, seconds } from '../../src/common/durations.js';
import { Database, type DatabaseEngine } from '../../src/storage/engines/database.js';
import { PostgresPool } from '../../src/storage/engines/postgres-pool.js';
import { openPostgres } from '../../src/storage/engines/postgres.js';
import type { BoundStatement, RunBatch } from '../../src/storage/engines/statement-batch.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';

const CONNECTIONS = 3;
const LIFETIME_MS = 100;
const DIVISION_BY_ZERO = '22012';

/** Errors after which no open connection is used again: see postgres-errors.ts. */
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

/** `fail` raises a given error; `write` fails as on a read-only server for stale connections. */
const TEST_SCHEMA = [
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

const bindStatement = (name: string, text: string, ...values: string[]): BoundStatement => ({
  statement: { name, text },
  values,
});
const READ_PID = bindStatement('pid', 'select pg_backend_pid() as pid');
const failWith = (code: string) => bindStatement('fail', 'select fail($1)', code);
const readPid = async (run: RunBatch): Promise<number> => {
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
    await queryPostgres(url, ...TEST_SCHEMA);
  });

  beforeEach(() => {
    engine = openPostgres(url, seconds(5));
  });

  afterEach(() => engine.close());

  afterAll(() => server.stop());

  /** Uses several connections at the same time; returns the ids of their server processes. */
  async function readPidsInParallel(): Promise<number[]> {
    const pids: number[] = [];
    let release = (): void => undefined;
    const allInUse = new Promise<void>((resolve) => {
      release = resolve;
    });
    await Promise.all(
      Array.from({ length: CONNECTIONS }, () =>
        engine.transaction(async (run) => {
          // A broken connection must not keep the others waiting.
          const pid = await readPid(run).catch(() => 0);
          if (pids.push(pid) === CONNECTIONS) release();
          await allInUse;
        }),
      ),
    );
    return pids;
  }

  /** The message of the error; `undefined` if there is none. */
  const getErrorMessage = (result: Promise<unknown>): Promise<string | undefined> =>
    result.then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );

  const intersect = (one: number[], other: number[]) => one.filter((pid) => other.includes(pid));

  describe.each(CONNECTION_ERRORS)('after the error %s (%s)', (code) => {
    it('are all replaced if a batch failed', async () => {
      const before = await readPidsInParallel();

      expect(await getErrorMessage(engine.runBatch([failWith(code)]))).toBe('failed by the test');

      expect(intersect(await readPidsInParallel(), before)).toEqual([]);
    });

    it('are all replaced if a transaction failed', async () => {
      const before = await readPidsInParallel();
      const failing = engine.transaction(async (run) => {
        await run([READ_PID]);
        await run([failWith(code)]);
      });

      expect(await getErrorMessage(failing)).toBe('failed by the test');

      expect(intersect(await readPidsInParallel(), before)).toEqual([]);
    });
  });

  it('are all replaced when one breaks during a statement', async () => {
    const before = await readPidsInParallel();
    const endConnection = bindStatement('end', 'select pg_terminate_backend(pg_backend_pid())');

    expect(await getErrorMessage(engine.runBatch([endConnection]))).toBeDefined();

    expect(intersect(await readPidsInParallel(), before)).toEqual([]);
  });

  it('are kept after an error that concerns only one statement', async () => {
    const before = await readPidsInParallel();

    expect(await getErrorMessage(engine.runBatch([failWith(DIVISION_BY_ZERO)]))).toBeDefined();

    expect(intersect(await readPidsInParallel(), before)).toHaveLength(CONNECTIONS);
  });

  it('are not replaced again when an old connection fails later', async () => {
    await readPidsInParallel();
    let failLate = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      failLate = resolve;
    });
    const failing = engine.transaction(async (run) => {
      await run([READ_PID]);
      await late;
      await run([failWith('57P01')]);
    });
    await getErrorMessage(engine.runBatch([failWith('57P01')]));
    const renewed = await readPidsInParallel();
    failLate();
    await getErrorMessage(failing);

    expect(intersect(await readPidsInParallel(), renewed)).toHaveLength(CONNECTIONS);
  });

  it('are replaced when the server became read-only, and the write is repeated', async () => {
    const database = new Database(engine);
    const stale = await readPidsInParallel();
    await queryPostgres(url, `insert into stale_connections select unnest(array[${stale.join()}])`);
    const write = () =>
      database.run((batch) =>
        batch.add<{ write: number }>(bindStatement('write', 'select write()').statement, []),
      );

    const { row } = await write();

    expect(stale).not.toContain(row?.write);
  });

  it('are opened to a read-only server only for reading', async () => {
    const name = new URL(url).pathname.slice(1);
    await queryPostgres(url, `alter database ${name} set default_transaction_read_only = on`);

    const error = await getErrorMessage(engine.runBatch([READ_PID]));
    const reading = openPostgres(url, seconds(5), 'read');
    const readBy = await readPid(reading.runBatch);
    await reading.close();

    await queryPostgres(
      url,
      'set default_transaction_read_only = off',
      `alter database ${name} reset default_transaction_read_only`,
    );
    expect(error).toBe('the server is read-only');
    expect(readBy).toBeGreaterThan(0);
    expect(await readPid(engine.runBatch)).toBeGreaterThan(0);
  });

  it('are replaced after their maximum lifetime, even if they were never idle', async () => {
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

  it('have a maximum lifetime of five minutes', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const pool = new PostgresPool({ connectionString: url, max: 1 });
    pool.release(await pool.connect());
    await pool.close();

    expect(timers).toHaveBeenCalledWith(expect.any(Function), minutes(5));
    timers.mockRestore();
  });
});
