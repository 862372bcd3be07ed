import { FakeClock } from '../support/fake-clock.js';
import { grantAttempt } from '../support/grant-attempt.js';
import { startLossyProxy, type LossyProxy } from '../support/lossy-proxy.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { openStore, type OpenStore } from '../support/store.js';

const NUMBER = phoneNumber('+14155552671');

/** A request may wait in a connection of the database while the service repeats it on another one. */
describe('When the first run of a write reaches the database after its repetition', () => {
  let server: PostgresServer;
  let url: string;
  let proxy: LossyProxy;
  let clock: FakeClock;
  let opened: OpenStore;

  beforeAll(async () => {
    server = await startPostgres();
  });

  beforeEach(async () => {
    url = await server.createDatabase();
    proxy = await startLossyProxy(url);
    clock = new FakeClock();
    opened = await openStore(clock, { DATABASE_URL: proxy.url });
  });

  afterEach(async () => {
    await opened.close();
    await proxy.close();
  });

  afterAll(() => server.stop());

  async function createPending(): Promise<string> {
    const { store } = opened;
    const admission = await store.reserveSend(newVerification('pin', NUMBER, clock.now()));
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    const accepted = { provider: 'infobip', pinId: 'provider-pin', possiblySentBy: [] };
    await store.confirmSend(admission.reservation, accepted, sendResponse('pin'));
    return admission.reservation.pinId;
  }

  const reserveAttempt = (pinId: string) => grantAttempt(opened.store, pinId, { now: clock.now() });

  // This test fails if a run of `reject` in attempt-outcome.repository.ts resolves an attempt whose entry
  // an earlier run has replaced or removed. Two lost checks would then look like one.
  it.each(['wrong_code', 'expired'] as const)(
    'resolves the attempt only once (%s)',
    async (result) => {
      const pinId = await createPending();
      const attempt = await reserveAttempt(pinId);
      await reserveAttempt(pinId);
      await reserveAttempt(pinId);

      const deliver = proxy.holdRequest('resolveAttempt');
      await opened.store.completeAttempt(attempt, result, clock.now());
      await deliver();

      expect(await queryPostgres(url, 'select unresolved from verifications')).toBe('2');
    },
  );
});
