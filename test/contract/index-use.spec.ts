import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { PhoneNumber } from '../../src/common/phone-number.js';
import type { VerificationStore } from '../../src/storage/verification-store.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { FakeClock } from '../support/fake-clock.js';
import { grantAttempt } from '../support/grant-attempt.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { openStore } from '../support/store.js';

/** A flow is a send and a verify. */
const FLOWS = 2_000;
/** So few that no flow waits too long for a connection, even on a busy machine. */
const CONCURRENCY = 50;
/**
 * Includes the counts of a send's prefix, country and client, with a row for each time bucket.
 * The rows of country and client are split into shards, so that concurrent sends rarely wait.
 * A usual run reads 40 to 46 rows, a scan of the table 1,070. A busy machine has read 101: open
 * transactions keep old versions of the counted rows.
 */
const MAX_ROWS_READ_PER_FLOW = 300;

/** Autovacuum would collect statistics of half-filled tables in a run of over a minute. */
const DISABLE_AUTOVACUUM = `do $$
  declare name text;
  begin
    for name in select relname from pg_stat_user_tables loop
      execute format('alter table %I set (autovacuum_enabled = false)', name);
    end loop;
  end $$`;

describe('PostgreSQL without table statistics', () => {
  const clock = new FakeClock();
  let server: PostgresServer;

  beforeEach(async () => {
    server = await startPostgres();
  });

  afterEach(() => server.stop());

  async function send(store: VerificationStore, n: number): Promise<string> {
    const phoneNumber = PhoneNumber.fromE164(`+1415555${String(n).padStart(4, '0')}`);
    const verification = newVerification(`pin-${String(n)}`, phoneNumber, clock.now());
    const admission = await store.reserveSend(verification);
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    await store.confirmSend(
      admission.reservation,
      { provider: 'test-provider', pinId: 'any', possiblySentBy: [] },
      sendResponse(verification.pinId),
    );
    return admission.reservation.pinId;
  }

  async function verify(store: VerificationStore, pinId: string): Promise<void> {
    const attempt = await grantAttempt(store, pinId, { now: clock.now() });
    await store.completeAttempt(attempt, 'verified', clock.now());
  }

  async function mapInBatches<T, R>(
    items: readonly T[],
    work: (item: T) => Promise<R>,
  ): Promise<R[]> {
    const results: R[] = [];
    for (let from = 0; from < items.length; from += CONCURRENCY) {
      results.push(...(await Promise.all(items.slice(from, from + CONCURRENCY).map(work))));
    }
    return results;
  }

  // This test fails without `hasStatus` in predicates.ts.
  it('finds a verification without scanning a whole table or index', async () => {
    const url = await server.createDatabase();
    const opened = await openStore(clock, { DATABASE_URL: url });
    await queryPostgres(url, DISABLE_AUTOVACUUM);
    const numbers = Array.from({ length: FLOWS }, (_, n) => n);
    const pinIds = await mapInBatches(numbers, (n) => send(opened.store, n));
    await mapInBatches(pinIds, (pinId) => verify(opened.store, pinId));
    await opened.close();

    const read = await queryPostgres(
      url,
      `select (select sum(seq_tup_read) from pg_stat_user_tables)
        + (select sum(idx_tup_read) from pg_stat_user_indexes)`,
    );
    expect(Number(read) / FLOWS).toBeLessThan(MAX_ROWS_READ_PER_FLOW);
  });
});

/** A step of a query plan. */
interface Step {
  readonly detail: string;
}

describe('SQLite', () => {
  const STATEMENT = /^-- (\w+\.\w+)\n([^;]+);/gm;
  const dataDir = mkdtempSync(join(tmpdir(), 'otp-plans-'));

  afterAll(() => {
    rmSync(dataDir, { recursive: true });
  });

  // This test fails without the indexes of the migrations. PostgreSQL gets the same ones.
  it('finds the rows of every statement by an index', async () => {
    await (await openStore(new FakeClock(), { DATA_DIR: dataDir })).close();
    const database = new Libsql(join(dataDir, 'otp.db'));
    const statements = [...readFileSync('docs/sql/sqlite.sql', 'utf8').matchAll(STATEMENT)];
    const plans = new Map(
      statements.map(([, name = '', text = '']) => {
        const values = (text.match(/\?/g) ?? []).map(() => 1);
        const plan = database.prepare(`explain query plan ${text}`).all(...values) as Step[];
        return [name, plan.map(({ detail }) => detail).join('\n')];
      }),
    );
    database.close();

    expect(plans.size).toBeGreaterThan(50);
    const scanning = [...plans].filter(([, plan]) =>
      /^SCAN (?!.*CONSTANT ROW)|AUTOMATIC/m.test(plan),
    );
    // The first exception writes nothing, as its condition is never true. The second one reads an
    // index in its order, and ends at the first row with a value.
    expect(scanning.map(([name]) => name)).toEqual(['health.writeNothing', 'secret.readNewest']);
    expect(plans.get('secret.readNewest')).toBe(
      'SCAN verifications USING INDEX verifications_by_age',
    );
    // An index of all rows by age would find the few abandoned ones too, but slowly.
    expect(plans.get('cleanup.failAbandonedSends')).toContain('verifications_sending');
  });
});
