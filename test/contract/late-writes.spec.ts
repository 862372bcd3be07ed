import { seconds } from '../../src/common/durations.js';
import type { IdempotentRequest } from '../../src/storage/idempotency.types.js';
import type { SendReservation } from '../../src/storage/send.types.js';
import { FakeClock } from '../support/fake-clock.js';
import { grantAttempt } from '../support/grant-attempt.js';
import { startLossyProxy, type LossyProxy } from '../support/lossy-proxy.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { openStore, type OpenStore } from '../support/store.js';

const NUMBER = phoneNumber('+14155552671');
const REQUEST: IdempotentRequest = { key: 'key', request: 'request' };
const RESPONSE = sendResponse('pin');
const ACCEPTED = { provider: 'infobip', pinId: 'provider-pin', possiblySentBy: [] };

/**
 * A request may wait in a connection of the database while the service repeats it on another one. The
 * service ends the session of a lost connection, but not behind a pooler.
 */
describe('When the first run of an outcome reaches the database after its repetition', () => {
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
    proxy = await startLossyProxy(url, { hidesProcessId: true });
    clock = new FakeClock();
    opened = await openStore(clock, { DATABASE_URL: proxy.url });
  });

  afterEach(async () => {
    await opened.close();
    await proxy.close();
  });

  afterAll(() => server.stop());

  const repeatSend = () =>
    opened.store.reserveSend(newVerification('pin', NUMBER, clock.now()), REQUEST);

  async function reserveSend(): Promise<SendReservation> {
    const admission = await repeatSend();
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    return admission.reservation;
  }

  async function createPending(): Promise<string> {
    const reservation = await reserveSend();
    await opened.store.confirmSend(reservation, ACCEPTED, RESPONSE);
    return reservation.pinId;
  }

  /** Reserves a resend with an idempotency key. @returns a function that confirms it */
  async function reserveResend(pinId: string, providerPinId: string) {
    clock.advance(seconds(30));
    const request = { pinId, client: 'shop', channel: 'sms' as const, now: clock.now() };
    const idempotency = { key: providerPinId, request: providerPinId };
    const admission = await opened.store.reserveResend(request, idempotency);
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    const accepted = { ...ACCEPTED, provider: 'sinch', pinId: providerPinId };
    return () => opened.store.confirmSend(admission.reservation, accepted, RESPONSE);
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

      const deliver = proxy.holdRequest('unresolved = case when');
      await opened.store.completeAttempt(attempt, result, clock.now());
      await deliver();

      expect(await queryPostgres(url, 'select unresolved from verifications')).toBe('2');
    },
  );

  // This test fails if `storeIfConfirmed` in idempotency-key-queries.ts replaces a stored response.
  it('keeps the response to a send whose code was replaced meanwhile', async () => {
    const reservation = await reserveSend();
    const deliver = proxy.holdRequest("then 'cancelled' else 'pending' end");
    expect(await opened.store.confirmSend(reservation, ACCEPTED, RESPONSE)).toBe('confirmed');
    const confirmResend = await reserveResend(reservation.pinId, 'other-pin');
    await confirmResend();

    await deliver();

    expect(await repeatSend()).toEqual({ outcome: 'replayed', response: RESPONSE });
  });

  // This test fails without `sealed` in the condition of `confirmResend` in send-queries.ts.
  it('keeps the code of a resend that was requested and confirmed meanwhile', async () => {
    const pinId = await createPending();
    const confirmFirst = await reserveResend(pinId, 'first');

    const deliver = proxy.holdRequest('earlier_sends = case when');
    expect(await confirmFirst()).toBe('confirmed');
    const confirmSecond = await reserveResend(pinId, 'second');
    expect(await confirmSecond()).toBe('confirmed');
    await deliver();

    expect((await reserveAttempt(pinId)).providerPinId).toBe('second');
    const stored = 'select earlier_sends from verifications';
    expect(await queryPostgres(url, stored)).toBe('infobip:sms,sinch:sms,');
    const states = 'select distinct state from idempotency_keys';
    expect(await queryPostgres(url, states)).toBe('answered');
  });
});
