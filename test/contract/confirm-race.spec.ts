import pg from 'pg';
import { seconds } from '../../src/common/durations.js';
import { PhoneNumber } from '../../src/common/phone-number.js';
import type { ConfirmOutcome, SendReservation } from '../../src/storage/send.types.js';
import { waitUntilBlocked } from '../support/blocked-session.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { openStore, type OpenStore } from '../support/store.js';

const NUMBER = PhoneNumber.fromE164('+14155552671');

describe('A send that is confirmed at the same time as an older send to its number', () => {
  let postgres: PostgresServer;
  let opened: OpenStore;
  /** The connection that confirms the older send. */
  let other: pg.Client;
  let observer: pg.Client;
  const clock = new FakeClock();

  beforeAll(async () => {
    postgres = await startPostgres();
    const url = await postgres.createDatabase();
    opened = await openStore(clock, { DATABASE_URL: url });
    other = new pg.Client({ connectionString: url });
    observer = new pg.Client({ connectionString: url });
    await Promise.all([other.connect(), observer.connect()]);
  });
  afterAll(async () => {
    await Promise.all([other.end(), observer.end()]);
    await opened.close();
    await postgres.stop();
  });

  // This test fails without `created_at` of `confirm` in send-queries.ts.
  it('stays pending, and cancels the older one', async () => {
    await confirm(await reserveSend('pin-1'));
    await reserveSend('pin-2');
    const newest = await reserveSend('pin-3');

    // The newest send waits for this lock in `supersede`. So it misses that pin-2 becomes pending.
    await other.query('begin');
    await other.query(`update verifications set status = 'cancelled' where pin_id = 'pin-1'`);
    const confirmed = confirm(newest);
    await waitUntilBlocked(observer);
    await other.query(`update verifications set status = 'pending' where pin_id = 'pin-2'`);
    await other.query('commit');

    await expect(confirmed).resolves.toBe('confirmed');
    const { rows } = await observer.query(
      `select pin_id, status, superseded_by from verifications order by pin_id`,
    );
    expect(rows).toEqual([
      { pin_id: 'pin-1', status: 'cancelled', superseded_by: '' },
      { pin_id: 'pin-2', status: 'cancelled', superseded_by: 'pin-3' },
      { pin_id: 'pin-3', status: 'pending', superseded_by: '' },
    ]);
  });

  async function reserveSend(pinId: string): Promise<SendReservation> {
    clock.advance(seconds(30));
    const admission = await opened.store.reserveSend(newVerification(pinId, NUMBER, clock.now()));
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    return admission.reservation;
  }

  function confirm(reservation: SendReservation): Promise<ConfirmOutcome> {
    const accepted = { provider: 'infobip', pinId: 'provider-pin', possiblySentBy: [] };
    return opened.store.confirmSend(reservation, accepted, sendResponse(reservation.pinId));
  }
});
