import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import pg from 'pg';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres } from '../support/services/postgres.js';
import { FakeClock } from '../support/fake-clock.js';
import { openStore } from '../support/store.js';
import { waitUntil } from '../support/wait-until.js';

const SET_NEWER_VERSION = 'update schema_version set version = 999';
/** 13 is the version of this release's schema. */
const NEWER_SCHEMA_ERROR = /schema version 999.*knows only 13/;

/** Sessions that wait for the migration lock. Other workers use the same server. */
const WAITING = `from pg_locks join pg_database on oid = database
  where locktype = 'advisory' and not granted and datname = current_database()`;

/** Takes the migration lock, as another replica. @returns the session, whose end releases the lock */
async function holdLock(connectionString: string): Promise<pg.Client> {
  const other = new pg.Client({ connectionString });
  await other.connect();
  await other.query("select pg_advisory_lock(x'0701'::int)");
  return other;
}

describe('Schema migrations', () => {
  it('run once for replicas that start together, and reject a newer schema', async () => {
    const postgres = await startPostgres();
    const DATABASE_URL = await postgres.createDatabase();
    const start = () => openStore(new FakeClock(), { DATABASE_URL });

    const replicas = await Promise.all([start(), start(), start(), start()]);
    await Promise.all(replicas.map((replica) => replica.close()));
    expect(await queryPostgres(DATABASE_URL, 'select count(*) from schema_version')).toBe('1');

    await queryPostgres(DATABASE_URL, SET_NEWER_VERSION);
    await expect(start()).rejects.toThrow(NEWER_SCHEMA_ERROR);
    await postgres.stop();
  });

  it('wait for the migration lock beyond the time limits of requests and of the database', async () => {
    const postgres = await startPostgres();
    const DATABASE_URL = await postgres.createDatabase();
    const name = new URL(DATABASE_URL).pathname.slice(1);
    for (const setting of ['statement_timeout', 'lock_timeout']) {
      await queryPostgres(DATABASE_URL, `alter database "${name}" set ${setting} = '1s'`);
    }
    const other = await holdLock(DATABASE_URL);
    const opened = openStore(new FakeClock(), { DATABASE_URL, PROVIDER_TIMEOUT: '1s' });
    const hasWaited = `select count(*) > 0 ${WAITING}
      and waitstart < clock_timestamp() - interval '3 s'`;
    const waited = waitUntil(async () => (await queryPostgres(DATABASE_URL, hasWaited)) === 't');

    const [replica] = await Promise.all([opened, waited.then(() => other.end())]);

    await replica.close();
    await postgres.stop();
  });

  it('fail with an error that says what to do if their statement is cancelled', async () => {
    const postgres = await startPostgres();
    const DATABASE_URL = await postgres.createDatabase();
    const cancelWaiting = `select count(pg_cancel_backend(pid)) ${WAITING}`;
    const other = await holdLock(DATABASE_URL);
    const replica = openStore(new FakeClock(), { DATABASE_URL });
    const failure = expect(replica).rejects.toThrow(
      /^The database of DATABASE_URL cannot be used: canceling .*\. A statement was cancelled or took too long. End what blocks it/,
    );

    while ((await queryPostgres(DATABASE_URL, cancelWaiting)) === '0') continue;

    await failure;
    await other.end();
    await postgres.stop();
  });

  it('reject a SQLite file with a newer schema', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'otp-schema-'));
    const start = () => openStore(new FakeClock(), { DATA_DIR: dataDir });
    await (await start()).close();
    const database = new Libsql(join(dataDir, 'otp.db'));
    database.exec(SET_NEWER_VERSION);
    database.close();

    await expect(start()).rejects.toThrow(NEWER_SCHEMA_ERROR);
    rmSync(dataDir, { recursive: true });
  });
});
