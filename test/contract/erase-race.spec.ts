import pg from 'pg';
import { minutes } from '../../src/common/durations.js';
import { PhoneNumber } from '../../src/common/phone-number.js';
import type { ConfirmOutcome, SendReservation } from '../../src/storage/send.types.js';
import { waitUntilBlocked } from '../support/blocked-session.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { openStore, type OpenStore } from '../support/store.js';

const NUMBER = PhoneNumber.fromE164('+14155552671');

describe('Erasing a number during a concurrent request with an idempotency key', () => {
  let postgres: PostgresServer;
  let url: string;
  let opened: OpenStore;
  /** The connection of a concurrent request. */
  let request: pg.Client;
  let observer: pg.Client;
  const clock = new FakeClock();

  beforeAll(async () => {
    postgres = await startPostgres();
  });
  beforeEach(async () => {
    url = await postgres.createDatabase();
    opened = await openStore(clock, { DATABASE_URL: url });
    request = new pg.Client({ connectionString: url });
    observer = new pg.Client({ connectionString: url });
    await Promise.all([request.connect(), observer.connect()]);
  });
  afterEach(async () => {
    await Promise.all([request.end(), observer.end()]);
    await opened.close();
  });
  afterAll(() => postgres.stop());

  // This test fails without `lockNumber` of `erase` in verification.repository.ts. It locks the
  // number's verifications, so it waits until a request that updates one of them is committed.
  it('erases the key of a request that was committed during the erase', async () => {
    const { store } = opened;
    await confirm(await reserveSend('pin'));

    // Like a resend, this claims a key, then counts a message in the verification's row.
    await request.query('begin');
    await request.query(
      `insert into idempotency_keys
      (client, key_hash, request_hash, pin_id, state, sealed_answer, created_at, run)
      values ('shop', 'key-hash', 'request-hash', 'pin', 'running', '', $1, 'run-id')`,
      // The cleanup that runs when the store opens could delete an older key.
      [clock.now()],
    );
    await request.query(`update verifications set texts = texts + 1 where pin_id = 'pin'`);
    const erased = store.erase(NUMBER, 'shop');
    await waitUntilBlocked(observer);
    await request.query('commit');
    await erased;

    const { rows } = await observer.query(`select state from idempotency_keys`);
    expect(rows).toEqual([{ state: 'erased' }]);
  });

  // This test fails without `isErasable` of `erase` in verification-queries.ts.
  it('keeps a verification that was committed after the erase read the keys', async () => {
    const { store } = opened;
    await confirm(await reserveSend('pin-1', 'key-1'));
    clock.advance(minutes(1));

    // The erase finds the keys to erase, and then waits for this lock. So it misses the key of the
    // second send. The next erase needs that send's verification to find the key.
    await request.query('begin');
    await request.query(`select 1 from idempotency_keys for update`);
    const erased = store.erase(NUMBER, 'shop');
    await waitUntilBlocked(observer);
    const reservation = await reserveSend('pin-2', 'key-2');
    await request.query('commit');
    await erased;

    await expect(confirm(reservation)).resolves.toBe('confirmed');
    const { rows } = await observer.query(`
      select pin_id, state, verifications.pin_id is not null as "isKept"
      from idempotency_keys left join verifications using (pin_id) order by pin_id`);
    expect(rows).toEqual([
      { pin_id: 'pin-1', state: 'erased', isKept: false },
      { pin_id: 'pin-2', state: 'answered', isKept: true },
    ]);
  });

  async function reserveSend(pinId: string, key?: string): Promise<SendReservation> {
    const verification = newVerification(pinId, NUMBER, clock.now());
    const idempotency = key === undefined ? undefined : { key, request: pinId };
    const admission = await opened.store.reserveSend(verification, idempotency);
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    return admission.reservation;
  }

  function confirm(reservation: SendReservation): Promise<ConfirmOutcome> {
    const accepted = { provider: 'infobip', pinId: 'provider-pin', possiblySentBy: [] };
    const response = sendResponse(reservation.pinId);
    return opened.store.confirmSend(reservation, accepted, response);
  }
});
