import pg from 'pg';
import { PhoneNumber } from '../../src/common/phone-number.js';
import { waitUntilBlocked } from '../support/blocked-session.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { openStore, type OpenStore } from '../support/store.js';

const NUMBER = PhoneNumber.fromE164('+14155552671');

describe('Erasing a number while a request with an idempotency key is counted', () => {
  let postgres: PostgresServer;
  let url: string;
  let opened: OpenStore;
  const clock = new FakeClock();

  beforeAll(async () => {
    postgres = await startPostgres();
    url = await postgres.createDatabase();
    opened = await openStore(clock, { DATABASE_URL: url });
  });

  afterAll(async () => {
    await opened.close();
    await postgres.stop();
  });

  // Fails without lockNumber of `erase` in verification.repository.ts.
  it('erases the key of a request that was committed during the erase', async () => {
    const { store } = opened;
    const admission = await store.reserveSend(newVerification('pin', NUMBER, clock.now()));
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    const accepted = { provider: 'infobip', pinId: 'provider-pin', possiblySentBy: [] };
    await store.confirmSend(admission.reservation, accepted, sendResponse('pin'));
    const request = new pg.Client({ connectionString: url });
    const observer = new pg.Client({ connectionString: url });
    await Promise.all([request.connect(), observer.connect()]);

    // As a resend does: it claims its key, then counts for its verification.
    await request.query('begin');
    await request.query(`insert into idempotency_keys
      (client, key_hash, request_hash, pin_id, state, sealed_answer, created_at, run)
      values ('shop', 'key', 'request', 'pin', 'running', '', 0, 'run')`);
    await request.query(`update verifications set texts = texts + 1 where pin_id = 'pin'`);
    const erased = store.erase(NUMBER, 'shop');
    await waitUntilBlocked(observer);
    await request.query('commit');
    await erased;

    const { rows } = await observer.query(`select state from idempotency_keys`);
    expect(rows).toEqual([{ state: 'erased' }]);
    await Promise.all([request.end(), observer.end()]);
  });
});
