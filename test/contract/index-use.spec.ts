import { PhoneNumber } from '../../src/common/phone-number.js';
import type { VerificationStore } from '../../src/storage/verification-store.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { askPostgres } from '../support/services/postgres-client.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification } from '../support/new-verification.js';
import { openStore } from '../support/store.js';

const FLOWS = 2_000;
/** So few that none waits for a connection for longer than it may, however busy the machine is. */
const AT_ONCE = 50;
/** The slots of three subjects among them, over all shards. */
const MOST_ROWS_A_FLOW = 100;

describe('A PostgreSQL that has no statistics yet', () => {
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
      { provider: 'vendor', pinId: 'any', possiblySentBy: [] },
      {},
    );
    return admission.reservation.pinId;
  }

  async function verify(store: VerificationStore, pinId: string): Promise<void> {
    const asked = { selector: { pinId }, client: 'shop', reference: undefined, now: clock.now() };
    const leave = await store.reserveAttempt(asked);
    if (leave.outcome !== 'granted') throw new Error(leave.outcome);
    await store.completeAttempt(leave.attempt, 'verified', clock.now());
  }

  async function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
    const results: R[] = [];
    for (let from = 0; from < items.length; from += AT_ONCE) {
      results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(work))));
    }
    return results;
  }

  // predicates.ts, hasStatus
  it('walks through no index of all verifications to find one', async () => {
    const url = await server.createDatabase();
    const opened = await openStore(clock, { DATABASE_URL: url });
    const numbers = Array.from({ length: FLOWS }, (_, n) => n);
    const pinIds = await eachOf(numbers, (n) => send(opened.store, n));
    await eachOf(pinIds, (pinId) => verify(opened.store, pinId));
    await opened.close();

    const read = await askPostgres(
      url,
      `select (select sum(seq_tup_read) from pg_stat_user_tables)
        + (select sum(idx_tup_read) from pg_stat_user_indexes)`,
    );
    expect(Number(read) / FLOWS).toBeLessThan(MOST_ROWS_A_FLOW);
  });
});
