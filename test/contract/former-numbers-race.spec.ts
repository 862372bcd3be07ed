import pg from 'pg';
import { seconds } from '../../src/common/durations.js';
import type { PhoneNumber } from '../../src/common/phone-number.js';
import { waitUntilBlocked } from '../support/blocked-session.js';
import { FakeClock } from '../support/fake-clock.js';
import { toFormerNumber } from '../support/former-number.js';
import { newVerification } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { openStore, type OpenStore } from '../support/store.js';

const NUMBER = phoneNumber('+5491123456789');
const FORMER_NUMBER = toFormerNumber('+541123456789');

// The tests of this group fail without `lockNumbers` in former-numbers.ts, and without `addNumbers`
// before it.
describe('A send that is committed while the rows of a phone are merged', () => {
  const clock = new FakeClock();
  let postgres: PostgresServer;
  let opened: OpenStore;
  /** The connection of a concurrent request. */
  let request: pg.Client;
  let observer: pg.Client;

  beforeEach(async () => {
    postgres = await startPostgres();
    const url = await postgres.createDatabase();
    opened = await openStore(clock, { DATABASE_URL: url, SENDS_PER_NUMBER_PER_DAY: '2' });
    [request, observer] = [0, 1].map(() => new pg.Client({ connectionString: url })) as [
      pg.Client,
      pg.Client,
    ];
    await Promise.all([request.connect(), observer.connect()]);
  });

  afterEach(async () => {
    await Promise.all([request.end(), observer.end(), opened.close()]);
    await postgres.stop();
  });

  const reserveSend = (pinId: string, number: PhoneNumber, client = 'shop') =>
    opened.store.reserveSend({ ...newVerification(pinId, number, clock.now(), 'AR'), client });

  it.each([
    [
      'by an earlier build',
      `update client_numbers set sends = $1 || sends
       where client = 'shop' and number_hash <> (
         select number_hash from client_numbers where client = 'bank')`,
    ],
    [
      'by this build',
      `insert into client_numbers (number_hash, client, sends, failures, touched_at)
       select number_hash, 'shop', $1, '', touched_at from client_numbers where client = 'bank'`,
    ],
  ])('counts for the daily limit (%s)', async (_build, statement) => {
    // The row of the bank has the hash of the number's identity, that of the shop the former hash.
    await reserveSend('bank-pin', NUMBER, 'bank');
    await reserveSend('pin', FORMER_NUMBER);
    clock.advance(seconds(60));

    await request.query('begin');
    // A stored send is its time and eight more digits.
    await request.query(statement, [`${String(clock.now() - seconds(30))}00000000`]);
    const send = reserveSend('newer-pin', NUMBER);
    await waitUntilBlocked(observer);
    await request.query('commit');

    expect(await send).toMatchObject({ outcome: 'limited', limit: 'sends_per_day' });
  });
});
