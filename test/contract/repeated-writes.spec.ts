import type { CheckResult } from '../../src/common/check-result.js';
import type { Attempt, AttemptResult } from '../../src/storage/attempt.types.js';
import type { IdempotentRequest } from '../../src/storage/idempotency.types.js';
import type { SendReservation } from '../../src/storage/send.types.js';
import type { VerificationStore } from '../../src/storage/verification-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { grantAttempt } from '../support/grant-attempt.js';
import { startLossyProxy, type LossyProxy } from '../support/lossy-proxy.js';
import { newVerification } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { openStore, type OpenStore } from '../support/store.js';

const NUMBER = phoneNumber('+14155552671');
const OTHER_NUMBER = phoneNumber('+14155552672');
const CLIENT = 'shop';
const RESPONSE = {
  pinId: 'pin',
  to: '+1415•••2671',
  channel: 'sms',
  expiresAt: '2030-01-01T00:05:00.000Z',
  resendAvailableAt: '2030-01-01T00:00:30.000Z',
};
const REQUEST: IdempotentRequest = { key: 'key', request: 'request' };
const ACCEPTED = { provider: 'infobip', pinId: 'provider-pin', possiblySentBy: ['sinch'] };

/** The connection breaks at the n-th request or response of the write. */
const BREAKS: [title: string, message: 'request' | 'response', n: number][] = [
  ['before the write', 'request', 1],
  ['after the write, before its response', 'response', 1],
  ['between the statements of the write or later', 'request', 2],
  ['at the second response to the write', 'response', 2],
  ['at the third response to the write', 'response', 3],
];

describe.each(BREAKS)('When the connection breaks %s', (_title, message, n) => {
  let server: PostgresServer;
  let url: string;
  let proxy: LossyProxy;
  let clock: FakeClock;
  let opened: OpenStore;
  let store: VerificationStore;
  let created = 0;

  beforeAll(async () => {
    server = await startPostgres();
    url = await server.createDatabase();
  });

  beforeEach(async () => {
    proxy = await startLossyProxy(url);
    clock = new FakeClock();
    opened = await openStore(clock, {
      DATABASE_URL: proxy.url,
      CLIENT_WRONG_CODES_PER_DAY: '2',
    });
    store = opened.store;
  });

  afterEach(async () => {
    await opened.close();
    await proxy.close();
    await queryPostgres(
      url,
      'truncate verifications, client_numbers, end_users, idempotency_keys, traffic, outbox',
    );
  });

  afterAll(() => server.stop());

  /**
   * Breaks the connection during `write`, or not at all if `write` has fewer messages.
   * @param meanwhile what is done before the service connects again
   */
  async function breakDuring<T>(
    write: () => Promise<T>,
    meanwhile?: () => Promise<void>,
  ): Promise<T> {
    // Opens a connection, whose messages must not be counted.
    await opened.runCleanup();
    proxy.breakAt(message, n, meanwhile);
    const result = await write();
    const hasBroken = proxy.disarm();
    if (n === 1) expect(hasBroken).toBe(true);
    return result;
  }

  async function reserveSend(
    number = NUMBER,
    idempotency?: IdempotentRequest,
  ): Promise<SendReservation> {
    created += 1;
    const verification = newVerification(`pin-${created}`, number, clock.now());
    const admission = await store.reserveSend(verification, idempotency);
    if (admission.outcome !== 'admitted') throw new Error(`not admitted: ${admission.outcome}`);
    return admission.reservation;
  }

  async function createPending(): Promise<string> {
    const reservation = await reserveSend();
    await store.confirmSend(reservation, ACCEPTED, RESPONSE);
    return reservation.pinId;
  }

  const reserveAttempt = (pinId: string, idempotency?: IdempotentRequest) =>
    grantAttempt(store, pinId, { now: clock.now(), client: CLIENT, idempotency });

  const complete = (attempt: Attempt, result: CheckResult) =>
    store.completeAttempt(attempt, result, clock.now());
  const find = (pinId: string) => store.find(pinId, CLIENT, clock.now());
  /**
   * `attempts|wrong codes of a number|messages of the client|messages of all numbers`.
   * A stored send or wrong code has 21 characters.
   */
  const readCounts = () =>
    queryPostgres(
      url,
      `select (select sum(attempts) from verifications), (select max(length(failures) / 21) from client_numbers),
        (select sum(texts) from traffic where subject like 'client:%'), (select sum(length(sends) / 21) from client_numbers)`,
    );

  it('reserves a send once', async () => {
    const reservation = await breakDuring(() => reserveSend(NUMBER, REQUEST));

    expect(await readCounts()).toBe('0|0|1|1');
    expect(await store.confirmSend(reservation, ACCEPTED, RESPONSE)).toBe('confirmed');
  });

  it('confirms a send, and replays its response', async () => {
    const reservation = await reserveSend(NUMBER, REQUEST);

    expect(await breakDuring(() => store.confirmSend(reservation, ACCEPTED, RESPONSE))).toBe(
      'confirmed',
    );

    expect(await find(reservation.pinId)).toMatchObject({ status: 'pending' });
    expect(await queryPostgres(url, 'select maybe_texted from verifications')).toBe('sinch');
    const repeated = newVerification('pin-repeated', NUMBER, clock.now());
    expect(await store.reserveSend(repeated, REQUEST)).toEqual({
      outcome: 'replayed',
      response: RESPONSE,
    });
  });

  // This test fails if `release` in send-limits.ts always returns true for an unreachable number.
  it('counts an unreachable number once', async () => {
    const reservation = await reserveSend();

    await breakDuring(() => store.releaseSend(reservation, 'unreachable'));

    expect(await readCounts()).toBe('|0|0|1');
    const unreachable = "select sum(texts) from traffic where subject like 'unreachable:%'";
    expect(await queryPostgres(url, unreachable)).toBe('1');
  });

  it('releases a send once', async () => {
    const kept = await reserveSend(OTHER_NUMBER);
    const reservation = await reserveSend(NUMBER, REQUEST);

    await breakDuring(() => store.releaseSend(reservation, []));

    expect(await readCounts()).toBe('0|0|1|1');
    expect(await store.confirmSend(kept, ACCEPTED, RESPONSE)).toBe('confirmed');
    await reserveSend(NUMBER, REQUEST);
  });

  // This test fails if `reserve` in resend.repository.ts does not look for a committed run.
  it.each([undefined, REQUEST])('reserves a resend once (%#)', async (idempotency) => {
    const pinId = await createPending();
    clock.advance(60_000);
    const request = { pinId, client: CLIENT, channel: 'sms' as const, now: clock.now() };

    const admission = await breakDuring(() => store.reserveResend(request, idempotency));

    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    expect(await readCounts()).toBe('0|0|2|2');
    expect(await queryPostgres(url, 'select texts from verifications')).toBe('2');
    expect(await store.confirmSend(admission.reservation, ACCEPTED, RESPONSE)).toBe('confirmed');
  });

  it('releases a resend once', async () => {
    const pinId = await createPending();
    clock.advance(60_000);
    const request = { pinId, client: CLIENT, channel: 'sms' as const, now: clock.now() };
    const admission = await store.reserveResend(request);
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);

    await breakDuring(() => store.releaseSend(admission.reservation, []));

    expect(await readCounts()).toBe('0|0|1|1');
    expect(await queryPostgres(url, 'select texts from verifications')).toBe('1');
  });

  // This test fails without `sealed` of `confirmResend` in send-queries.ts.
  it('confirms a resend, and stores the earlier send once', async () => {
    const pinId = await createPending();
    clock.advance(60_000);
    const request = { pinId, client: CLIENT, channel: 'voice' as const, now: clock.now() };
    const admission = await store.reserveResend(request);
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);

    await breakDuring(() =>
      store.confirmSend(admission.reservation, { ...ACCEPTED, provider: 'sinch' }, RESPONSE),
    );

    const sends = 'select provider, channel, earlier_sends from verifications';
    expect(await queryPostgres(url, sends)).toBe('sinch|voice|infobip:sms,');
  });

  it('names each provider once that may have sent a message', async () => {
    const reservation = await reserveSend();

    await breakDuring(() => store.releaseSend(reservation, ['infobip', 'sinch']));

    expect(await queryPostgres(url, 'select status, maybe_texted from verifications')).toBe(
      'failed|infobip,sinch',
    );
  });

  it('reserves an attempt once', async () => {
    const pinId = await createPending();
    // A client's first attempt also reads the client's counts.
    await expect(reserveAttempt('unknown')).rejects.toThrow('not_found');

    const attempt = await breakDuring(() => reserveAttempt(pinId, REQUEST));

    expect(await readCounts()).toBe('1|1|1|1');
    expect(await complete(attempt, 'verified')).toEqual({ verified: true });
  });

  it.each([undefined, REQUEST])('accepts a right code once (%#)', async (idempotency) => {
    const pinId = await createPending();
    const [first, second] = [await reserveAttempt(pinId, idempotency), await reserveAttempt(pinId)];

    expect(await breakDuring(() => complete(first, 'verified'))).toEqual({ verified: true });

    expect(await complete(second, 'verified')).toEqual({
      verified: false,
      reason: 'already_verified',
    });
    expect(await find(pinId)).toMatchObject({ status: 'verified' });
  });

  it('rejects a right code that another request has had verified at the same moment', async () => {
    const pinId = await createPending();
    const [first, second] = [await reserveAttempt(pinId), await reserveAttempt(pinId)];
    expect(await complete(first, 'verified')).toEqual({ verified: true });

    expect(await breakDuring(() => complete(second, 'verified'))).toEqual({
      verified: false,
      reason: 'already_verified',
    });
  });

  it.each([undefined, REQUEST])('counts a wrong code once (%#)', async (idempotency) => {
    const pinId = await createPending();
    const attempt = await reserveAttempt(pinId, idempotency);

    expect(await breakDuring(() => complete(attempt, 'wrong_code'))).toEqual({
      verified: false,
      reason: 'wrong_code',
      attemptsRemaining: 4,
    });
    expect(await readCounts()).toBe('1|1|1|1');
    expect(await queryPostgres(url, 'select unresolved from verifications')).toBe('0');
  });

  it('resolves one of two wrong codes', async () => {
    const pinId = await createPending();
    const attempt = await reserveAttempt(pinId);
    await reserveAttempt(pinId);

    await breakDuring(() => complete(attempt, 'wrong_code'));

    expect(await queryPostgres(url, 'select unresolved from verifications')).toBe('1');
  });

  // This test fails if the write of `reject` in attempt-outcome.repository.ts calls `addCached`.
  it('counts a wrong code once against CLIENT_WRONG_CODES_PER_DAY until the counts are read again', async () => {
    const pinId = await createPending();
    const attempt = await reserveAttempt(pinId);

    await breakDuring(() => complete(attempt, 'wrong_code'));

    expect((await reserveAttempt(pinId)).pinId).toBe(pinId);
  });

  it('returns the response that a repeat gets, though another code was submitted meanwhile', async () => {
    const pinId = await createPending();
    const attempt = await reserveAttempt(pinId, REQUEST);
    const other = await openStore(clock, { DATABASE_URL: url });
    const request = {
      selector: { pinId },
      client: CLIENT,
      reference: undefined,
      codeLength: 6,
      now: clock.now(),
    };
    const replays: AttemptResult[] = [];

    const response = await breakDuring(
      () => complete(attempt, 'wrong_code'),
      async () => {
        replays.push(await other.store.reserveAttempt(request, REQUEST));
        await other.store.reserveAttempt(request);
      },
    );

    replays.push(await other.store.reserveAttempt(request, REQUEST));
    await other.close();
    const finished = replays.filter(({ outcome }) => outcome !== 'running');
    expect(finished).toEqual(finished.map(() => ({ outcome: 'replayed', response })));
  });

  it('releases an attempt once', async () => {
    const pinId = await createPending();
    await reserveAttempt(pinId);
    const attempt = await reserveAttempt(pinId, REQUEST);

    await breakDuring(() => store.releaseAttempt(attempt));

    expect(await readCounts()).toBe('1|1|1|1');
    await reserveAttempt(pinId, REQUEST);
  });

  it('removes the event of a deleted verification once, and returns true for it', async () => {
    await queryPostgres(
      url,
      `insert into outbox (event_id, pin_id, subject, type, client, occurred_at, created_at, due_at, tries, state)
        values ('event', 'deleted', '', 'verification.expired', 'shop', 0, ${String(clock.now())}, 0, 0, 'waiting')`,
    );
    const [event] = await opened.outbox.claim(1);
    if (!event) throw new Error('no event');

    expect(await breakDuring(() => opened.outbox.remove(event))).toBe(true);

    expect(await queryPostgres(url, 'select count(*) from outbox')).toBe('0');
    expect(await opened.outbox.remove(event)).toBe(false);
  });
});
