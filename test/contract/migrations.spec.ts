import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { askPostgres } from '../support/services/postgres-client.js';
import { startPostgres } from '../support/services/postgres.js';
import { FakeClock } from '../support/fake-clock.js';
import { openStore } from '../support/store.js';

const NEWER = 'update schema_version set version = 999';
const REFUSAL = /schema version 999.*knows only 4/;

describe('The schema', () => {
  it('is made once by replicas that start together, and refused if it is newer', async () => {
    const postgres = await startPostgres();
    const DATABASE_URL = await postgres.createDatabase();
    const start = () => openStore(new FakeClock(), { DATABASE_URL });

    const replicas = await Promise.all([start(), start(), start(), start()]);
    await Promise.all(replicas.map((replica) => replica.close()));
    expect(await askPostgres(DATABASE_URL, 'select count(*) from schema_version')).toBe('1');

    await askPostgres(DATABASE_URL, NEWER);
    await expect(start()).rejects.toThrow(REFUSAL);
    await postgres.stop();
  });

  it('is waited for longer than any request would wait', async () => {
    const postgres = await startPostgres();
    const DATABASE_URL = await postgres.createDatabase();
    const isLocked = "select count(*) > 0 from pg_locks where locktype = 'advisory'";
    // As long as a release takes that has a large table to change.
    const other = askPostgres(DATABASE_URL, "select pg_advisory_lock(x'0701'::int), pg_sleep(4)");
    while ((await askPostgres(DATABASE_URL, isLocked)) !== 't') continue;

    const replica = await openStore(new FakeClock(), { DATABASE_URL });

    await other;
    await replica.close();
    await postgres.stop();
  });

  it('of a SQLite file that is newer is refused', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'otp-schema-'));
    const start = () => openStore(new FakeClock(), { DATA_DIR: dataDir });
    await (await start()).close();
    const database = new Libsql(join(dataDir, 'otp.db'));
    database.exec(NEWER);
    database.close();

    await expect(start()).rejects.toThrow(REFUSAL);
    rmSync(dataDir, { recursive: true });
  });
});
