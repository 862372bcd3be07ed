import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, sql } from 'kysely';
import { seconds } from '../../src/common/durations.js';
import { openPostgres } from '../../src/storage/engines/postgres.js';
import { openSqlite } from '../../src/storage/engines/sqlite.js';
import type { TrafficEvaluator } from '../../src/storage/limit.types.js';
import { clientNumbers } from '../../src/storage/migrations/0006-client-numbers.js';
import type { VerificationStore } from '../../src/storage/verification-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { grantAttempt } from '../support/grant-attempt.js';
import { newVerification, NO_IDEMPOTENCY_KEY, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { openStore, type OpenStore } from '../support/store.js';

const NUMBER = phoneNumber('+14155552671');
const OTHER_NUMBER = phoneNumber('+14155552672');

/** Restores the schema of the previous release, which counts numbers for all clients together. */
const REVERT_MIGRATION = [
  `insert into numbers (number_hash, sends, failures, touched_at, verified_at)
    select number_hash, max(sends), max(failures), max(touched_at), max(verified_at)
    from client_numbers group by number_hash`,
  'drop table client_numbers',
];

/** Blocks every number but a trusted one: the store calls no evaluator for a number that the client verified. */
const blockUntrustedNumbers: TrafficEvaluator = () => ({
  scope: 'client_prefix',
  window: 'hour',
  includesRecent: false,
  unverified: 1,
  allowed: 0,
  verified: 0,
  enforced: true,
});

describe.each(['SQLite', 'PostgreSQL'])('The migration to limits per client on %s', (engine) => {
  const clock = new FakeClock();
  let postgres: PostgresServer | undefined;
  let dataDir: string;
  let settings: NodeJS.ProcessEnv;
  let opened: OpenStore;
  let store: VerificationStore;
  let created = 0;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'otp-migration-'));
    settings = { DATA_DIR: dataDir };
    if (engine === 'PostgreSQL') {
      postgres = await startPostgres();
      settings = { DATABASE_URL: await postgres.createDatabase() };
    }
    await open();
  });

  afterEach(async () => {
    await opened.close();
    await postgres?.stop();
    rmSync(dataDir, { recursive: true });
  });

  async function open(): Promise<void> {
    opened = await openStore(clock, settings);
    ({ store } = opened);
  }

  /** Goes back to the previous release, runs `changes` on its data, and migrates again. */
  async function upgrade(...changes: string[]): Promise<void> {
    await opened.close();
    const url = settings['DATABASE_URL'];
    const database = url === undefined ? openSqlite(dataDir) : openPostgres(url, seconds(5));
    const kysely = new Kysely<unknown>({ dialect: database.dialect });
    for (const statement of [...REVERT_MIGRATION, ...changes])
      await sql.raw(statement).execute(kysely);
    await clientNumbers(kysely);
    await kysely.destroy();
    await database.close();
    await open();
  }

  const reserveSend = (client: string, number = NUMBER) => {
    created += 1;
    const verification = newVerification(`pin-${String(created)}`, number, clock.now());
    return store.reserveSend(
      { ...verification, client },
      NO_IDEMPOTENCY_KEY,
      blockUntrustedNumbers,
    );
  };

  async function createPending(client: string, number = NUMBER): Promise<string> {
    created += 1;
    const pinId = `pin-${String(created)}`;
    const verification = { ...newVerification(pinId, number, clock.now()), client };
    const admission = await store.reserveSend(verification);
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    const accepted = { provider: 'test-provider', pinId: 'any', possiblySentBy: [] };
    await store.confirmSend(admission.reservation, accepted, sendResponse(pinId));
    return pinId;
  }

  async function verify(client: string, number = NUMBER): Promise<void> {
    const pinId = await createPending(client, number);
    const attempt = await grantAttempt(store, pinId, { now: clock.now(), client });
    await store.completeAttempt(attempt, 'verified', clock.now());
  }

  it('keeps a number trusted for the client that verified it, and its cooldown for each client', async () => {
    await verify('shop');
    await createPending('bank');
    await upgrade();

    for (const client of ['shop', 'bank']) {
      expect(await reserveSend(client)).toMatchObject({ limit: 'cooldown' });
    }
    clock.advance(seconds(30));
    expect((await reserveSend('shop')).outcome).toBe('admitted');
    expect((await reserveSend('bank')).outcome).toBe('suspended');
  });

  it('keeps a number trusted for the only client, though its verification was deleted', async () => {
    await verify('shop');
    await createPending('shop', OTHER_NUMBER);
    await upgrade("delete from verifications where status = 'verified'");

    expect(await reserveSend('shop')).toMatchObject({ limit: 'cooldown' });
    clock.advance(seconds(30));
    expect((await reserveSend('shop')).outcome).toBe('admitted');
    expect((await reserveSend('shop', OTHER_NUMBER)).outcome).toBe('suspended');
  });
});
