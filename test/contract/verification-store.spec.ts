import { hours, minutes, seconds } from '../../src/common/durations.js';
import type { CheckResult } from '../../src/common/check-result.js';
import type { Attempt } from '../../src/storage/attempt.types.js';
import type { IdempotentRequest } from '../../src/storage/idempotency.types.js';
import type { TrafficEvaluator } from '../../src/storage/limit.types.js';
import type { NewVerification, SendReservation } from '../../src/storage/send.types.js';
import type { Verification } from '../../src/storage/verification.types.js';
import type { VerificationStore } from '../../src/storage/verification-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { phoneNumber } from '../support/phone-number.js';
import { newVerification, NO_IDEMPOTENCY_KEY, sendResponse } from '../support/new-verification.js';
import { DATABASES, type OpenStore, type TestStorage } from '../support/store.js';

const NUMBER = phoneNumber('+14155552671');
const OTHER_NUMBER = phoneNumber('+14155552672');
const TTL_MS = minutes(5);
const MAX_ATTEMPTS = 5;
/** A request that has run for longer counts as abandoned. */
const MAX_REQUEST_MS = seconds(15);
/** The secret of the test environment, and one that replaces it. */
const OLD_SECRET = 'a master secret that only tests know of';
const NEW_SECRET = 'the secret that comes after the first';
const BOTH_SECRETS = `${NEW_SECRET},${OLD_SECRET}`;
const RESPONSE = sendResponse('pin');
const BANK_RESPONSE = sendResponse('bank-pin');

describe.each(DATABASES)('VerificationStore on %s', (_engine, newStorage) => {
  let storage: TestStorage;
  let clock: FakeClock;
  let opened: OpenStore;
  let store: VerificationStore;
  let created: number;

  beforeEach(async () => {
    created = 0;
    clock = new FakeClock();
    storage = await newStorage();
    opened = await storage.open(clock);
    store = opened.store;
  });

  afterEach(async () => {
    await opened.close();
    await storage.removeData();
  });

  function verification(changes: Partial<NewVerification> = {}): NewVerification {
    created += 1;
    return { ...newVerification(`pin-${created}`, NUMBER, clock.now()), ...changes };
  }

  const accepted = (providerPinId: string) => ({
    provider: 'test-provider',
    pinId: providerPinId,
    possiblySentBy: [],
  });

  async function reopen(settings: NodeJS.ProcessEnv): Promise<void> {
    await opened.close();
    opened = await storage.open(clock, settings);
    store = opened.store;
  }

  /** Reserves a send, which must be admitted. */
  async function reserveSend(
    changes: Partial<NewVerification> = {},
    idempotency?: IdempotentRequest,
  ): Promise<SendReservation> {
    const admission = await store.reserveSend(verification(changes), idempotency);
    if (admission.outcome !== 'admitted') throw new Error(`not admitted: ${admission.outcome}`);
    return admission.reservation;
  }

  /** Creates a verification whose message the provider has accepted. @returns its pinId */
  async function createPending(changes: Partial<NewVerification> = {}): Promise<string> {
    const reservation = await reserveSend(changes);
    await store.confirmSend(reservation, accepted(`provider-pin-${reservation.pinId}`), RESPONSE);
    return reservation.pinId;
  }

  const reserveAttempt = (
    pinId: string,
    {
      client = 'shop',
      reference,
      idempotency,
    }: { client?: string; reference?: string; idempotency?: IdempotentRequest } = {},
  ) =>
    store.reserveAttempt(
      { selector: { pinId }, client, reference, codeLength: 6, now: clock.now() },
      idempotency,
    );

  /** Reserves an attempt, which must be granted. */
  async function grantAttempt(pinId: string, idempotency?: IdempotentRequest): Promise<Attempt> {
    const result = await reserveAttempt(pinId, idempotency ? { idempotency } : {});
    if (result.outcome !== 'granted') throw new Error(`not granted: ${result.outcome}`);
    return result.attempt;
  }

  const completeAttempt = (attempt: Attempt, checkResult: CheckResult) =>
    store.completeAttempt(attempt, checkResult, clock.now());

  const checkCode = async (pinId: string, checkResult: 'verified' | 'wrong_code') =>
    completeAttempt(await grantAttempt(pinId), checkResult);

  const reserveResend = (pinId: string, client = 'shop', evaluate?: TrafficEvaluator) =>
    store.reserveResend(
      { pinId, client, channel: 'voice', now: clock.now() },
      NO_IDEMPOTENCY_KEY,
      evaluate,
    );

  /** Every column of a verification. */
  async function readRow(pinId: string): Promise<object> {
    const { read } = opened.database.prepare('test', {
      read: (db, p: { pinId: string }) =>
        db.selectFrom('verifications').selectAll().where('pin_id', '=', p.pinId),
    });
    const { row } = await opened.database.run((batch) => read(batch, { pinId }));
    if (!row) throw new Error(`no verification ${pinId}`);
    return row;
  }

  /** What is counted for the only number of a client. A stored wrong code has 21 characters. */
  async function readNumber(client: string) {
    const { read } = opened.database.prepare('test_numbers', {
      read: (db, p: { client: string }) =>
        db
          .selectFrom('client_numbers')
          .select(['failures', 'verified_at'])
          .where('client', '=', p.client),
    });
    const { rows } = await opened.database.run((batch) => read(batch, { client }));
    const [row] = rows;
    if (!row || rows.length > 1) throw new Error('not one number');
    return { wrongCodes: row.failures.length / 21, verifiedAt: row.verified_at };
  }

  const runConcurrently = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => work(index)));

  const outcomes = (results: { outcome: string }[]) => results.map(({ outcome }) => outcome);
  const countOf = (list: string[], wanted: string) => list.filter((item) => item === wanted).length;

  describe('a send', () => {
    it('is invisible until the provider has accepted it', async () => {
      const reservation = await reserveSend();
      expect(await store.find(reservation.pinId, 'shop', clock.now())).toBeUndefined();
      expect(await reserveAttempt(reservation.pinId)).toEqual({ outcome: 'not_found' });

      await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE);
      expect(await store.find(reservation.pinId, 'shop', clock.now())).toMatchObject({
        status: 'pending',
        attemptsRemaining: MAX_ATTEMPTS,
      });
    });

    // This test fails without the cooldown of `reserveSend` in number-reservations.ts.
    it('is admitted once for each client, of a hundred concurrent sends to one number', async () => {
      const results = await runConcurrently(100, (i) =>
        store.reserveSend(verification({ client: `client-${i % 3}` })),
      );

      const admitted = results.flatMap((result) =>
        result.outcome === 'admitted' ? result.reservation.client : [],
      );
      expect(admitted.sort()).toEqual(['client-0', 'client-1', 'client-2']);
      expect(countOf(outcomes(results), 'limited')).toBe(97);
    });

    // This test fails without `findSendLimit` in number-limit-finder.ts.
    it('is not rejected by the daily limit while another send is being released', async () => {
      for (let i = 0; i < 100; i += 1) {
        const reservation = await reserveSend();
        const [, other] = await Promise.all([
          store.releaseSend(reservation, []),
          store.reserveSend(verification()),
        ]);
        expect(other).not.toMatchObject({ limit: 'sends_per_day' });
        if (other.outcome === 'admitted') await store.releaseSend(other.reservation, []);
      }
    });

    it('is rejected until the last millisecond of the cooldown', async () => {
      await createPending();
      clock.advance(seconds(30) - 1);
      expect(await store.reserveSend(verification())).toEqual({
        outcome: 'limited',
        limit: 'cooldown',
        country: 'US',
        until: clock.now() + 1,
      });

      clock.advance(1);
      await createPending();
    });

    // This test fails without `sendsPerNumberPerDay` in number-shares.ts.
    it('is rejected when its client has sent ten messages to the number in any 24 hours', async () => {
      const start = clock.now();
      for (let i = 0; i < 10; i += 1) {
        await createPending();
        clock.advance(hours(1));
      }
      expect(await store.reserveSend(verification())).toEqual({
        outcome: 'limited',
        limit: 'sends_per_day',
        country: 'US',
        until: start + hours(24),
      });

      clock.advance(hours(14));
      await createPending();
      clock.advance(minutes(59));
      expect(await store.reserveSend(verification())).toMatchObject({ limit: 'sends_per_day' });
    });

    // This test fails without `releaseSend` of `release` in send-limits.ts.
    it('is not counted when the provider certainly sent nothing', async () => {
      await store.releaseSend(await reserveSend(), []);

      expect((await store.reserveSend(verification())).outcome).toBe('admitted');
    });

    it('stays counted when the provider may have sent the message', async () => {
      await store.releaseSend(await reserveSend(), ['infobip']);

      expect(await store.reserveSend(verification())).toMatchObject({ limit: 'cooldown' });
    });

    it('does not cancel the previous code when it fails', async () => {
      const older = await createPending();
      clock.advance(minutes(1));
      await store.releaseSend(await reserveSend(), ['infobip']);

      expect(await checkCode(older, 'verified')).toEqual({ verified: true });
    });

    // This test fails without `supersede`, and without `client` of `confirm`, in send-queries.ts.
    it('cancels the pending verification of the same client and number, and no other', async () => {
      const older = await createPending();
      const otherNumber = await createPending({ phoneNumber: OTHER_NUMBER });
      clock.advance(seconds(30));
      // Created at the same time as `newer`. Without the client in `confirm`, it would cancel `newer`.
      const otherClient = await createPending({ client: 'bank' });
      const newer = await createPending();

      expect(await reserveAttempt(older)).toEqual({ outcome: 'closed', reason: 'cancelled' });
      expect((await reserveAttempt(otherNumber)).outcome).toBe('granted');
      expect((await reserveAttempt(otherClient, { client: 'bank' })).outcome).toBe('granted');
      expect((await reserveAttempt(newer)).outcome).toBe('granted');
    });

    // This test fails without the `case` of `confirm` in send-queries.ts.
    it('is cancelled when a newer send was confirmed before it', async () => {
      const older = await reserveSend();
      clock.advance(seconds(30));
      const newer = await reserveSend();
      await store.confirmSend(newer, accepted('provider-pin-newer'), RESPONSE);
      await store.confirmSend(older, accepted('provider-pin-older'), RESPONSE);

      expect(await reserveAttempt(older.pinId)).toEqual({ outcome: 'closed', reason: 'cancelled' });
      expect((await reserveAttempt(newer.pinId)).outcome).toBe('granted');
    });

    it('is failed by the cleanup after a crash, and stays counted', async () => {
      const older = await createPending();
      clock.advance(seconds(30));
      const reservation = await reserveSend();
      clock.advance(seconds(10));
      await opened.runCleanup();
      expect(await store.reserveSend(verification())).toMatchObject({ limit: 'cooldown' });

      clock.advance(MAX_REQUEST_MS - seconds(10));
      await opened.runCleanup();
      expect(await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE)).toBe(
        'not_found',
      );
      expect((await reserveAttempt(older)).outcome).toBe('granted');
    });

    it('is not failed by the cleanup while it is still running', async () => {
      const reservation = await reserveSend();
      clock.advance(MAX_REQUEST_MS - 1);
      await opened.runCleanup();

      expect(await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE)).toBe(
        'confirmed',
      );
    });
  });

  describe('a resend', () => {
    it('keeps the pinId, expiry and attempts, and may get another provider pinId', async () => {
      const pinId = await createPending();
      await checkCode(pinId, 'wrong_code');
      clock.advance(seconds(30));
      const admission = await reserveResend(pinId);
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
      expect(admission.reservation).toMatchObject({
        pinId,
        resendOf: { provider: 'test-provider', pinId: `provider-pin-${pinId}` },
        expiresAt: clock.now() - seconds(30) + TTL_MS,
      });
      await store.confirmSend(admission.reservation, accepted('provider-pin-again'), RESPONSE);

      expect(await store.find(pinId, 'shop', clock.now())).toMatchObject({
        channel: 'voice',
        attemptsRemaining: MAX_ATTEMPTS - 1,
      });
      expect((await grantAttempt(pinId)).providerPinId).toBe('provider-pin-again');
    });

    it('has the locale of its send', async () => {
      const locales = [];
      for (const locale of ['pt-BR', '']) {
        const pinId = await createPending({ locale });
        clock.advance(seconds(30));
        const admission = await reserveResend(pinId);
        if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
        locales.push(admission.reservation.locale);
        clock.advance(seconds(30));
      }

      expect(locales).toEqual(['pt-BR', '']);
    });

    it('is admitted once, of a hundred concurrent resends, and counts as a message', async () => {
      const pinId = await createPending();
      expect(await reserveResend(pinId)).toMatchObject({ limit: 'cooldown' });
      clock.advance(seconds(30));

      const results = await runConcurrently(100, () => reserveResend(pinId));

      expect(countOf(outcomes(results), 'admitted')).toBe(1);
      expect(await store.reserveSend(verification())).toMatchObject({ limit: 'cooldown' });
    });

    // This test fails without `isInTraffic` in send.repository.ts, and without `addSend` in
    // send-limit-finder.ts: only a refused resend is in the traffic already.
    it('is checked against the budgets as one message when a shared limit of its number is reached', async () => {
      await reopen({ SENDS_PER_NUMBER_PER_DAY: '2' });
      const counts: number[] = [];
      const record: TrafficEvaluator = (traffic) => {
        counts.push(traffic.client_prefix.recent.sends);
        return undefined;
      };
      await createPending({ client: 'bank' });
      const pinId = await createPending();
      clock.advance(seconds(30));

      const shared = { limit: 'shared', cause: 'shared_sends_per_day' };
      expect(await store.reserveSend(verification(), NO_IDEMPOTENCY_KEY, record)).toMatchObject(
        shared,
      );
      expect(await reserveResend(pinId, 'shop', record)).toMatchObject(shared);
      expect(counts).toEqual([2, 2]);
    });

    it('keeps the code valid when it fails, and is not counted when nothing was sent', async () => {
      const pinId = await createPending();
      clock.advance(seconds(30));
      const admission = await reserveResend(pinId);
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
      await store.releaseSend(admission.reservation, []);

      expect((await reserveResend(pinId)).outcome).toBe('admitted');
      expect(await checkCode(pinId, 'verified')).toEqual({ verified: true });
    });

    // This test fails without `isNotReplaced` of `exhaustAttempts` and `expire` in
    // verification-queries.ts, and without `attemptsRemaining` of `toVerifyResult` in rejected-code.ts.
    it.each(['wrong_code_final', 'attempts_exhausted', 'expired'] as const)(
      'keeps its code valid when the check of the earlier code then ends with %s',
      async (checkResult) => {
        const pinId = await createPending();
        const late = await grantAttempt(pinId);
        clock.advance(seconds(30));
        const admission = await reserveResend(pinId);
        if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
        await store.confirmSend(admission.reservation, accepted('provider-pin-again'), RESPONSE);

        expect(await completeAttempt(late, checkResult)).toEqual({
          verified: false,
          reason: 'wrong_code',
          attemptsRemaining: MAX_ATTEMPTS - 1,
        });
        expect(await store.find(pinId, 'shop', clock.now())).toMatchObject({
          status: 'pending',
          attemptsRemaining: MAX_ATTEMPTS - 1,
        });
        expect(await checkCode(pinId, 'verified')).toEqual({ verified: true });
      },
    );

    // This test fails without `getAttemptsPerCode` of `toVerifyResult` in rejected-code.ts.
    it('leaves only the attempts that its provider allows when the earlier code is wrong', async () => {
      const pinId = await createPending();
      const idempotency = { key: 'key', request: 'x' };
      const late = await grantAttempt(pinId, idempotency);
      clock.advance(seconds(30));
      const admission = await reserveResend(pinId);
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
      const resent = { ...accepted('provider-pin-again'), provider: 'single-attempt' };
      await store.confirmSend(admission.reservation, resent, RESPONSE);

      const getAttemptsPerCode = (name: string) => (name === 'single-attempt' ? 1 : Infinity);
      const now = clock.now();
      const response = { verified: false, reason: 'wrong_code', attemptsRemaining: 1 };
      expect(
        await store.completeAttempt(late, 'wrong_code', now, undefined, getAttemptsPerCode),
      ).toEqual(response);
      expect(await reserveAttempt(pinId, { idempotency })).toEqual({
        outcome: 'replayed',
        response,
      });
    });

    // This test fails if `verify` in verification-queries.ts requires `isNotReplaced`.
    it('lets the earlier code verify if its check began before', async () => {
      const pinId = await createPending();
      const early = await grantAttempt(pinId);
      clock.advance(seconds(30));
      const admission = await reserveResend(pinId);
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
      await store.confirmSend(admission.reservation, accepted('provider-pin-again'), RESPONSE);

      expect(await completeAttempt(early, 'verified')).toEqual({ verified: true });
    });

    it('changes nothing when it is confirmed after the verification has ended', async () => {
      const pinId = await createPending();
      clock.advance(seconds(30));
      const admission = await reserveResend(pinId);
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
      const { reservation } = admission;
      await checkCode(pinId, 'verified');

      expect(await store.confirmSend(reservation, accepted('again'), RESPONSE)).toBe(
        'not_resendable',
      );
      expect(await store.find(pinId, 'shop', clock.now())).toMatchObject({
        status: 'verified',
        channel: 'sms',
      });
    });

    // This test fails without `readSent` of `confirm` in resend-confirmations.ts.
    it('is not confirmed after its number was erased', async () => {
      const pinId = await createPending();
      clock.advance(seconds(30));
      const admission = await reserveResend(pinId);
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
      const { reservation } = admission;
      await store.erase(NUMBER, 'shop');

      expect(await store.confirmSend(reservation, accepted('again'), RESPONSE)).toBe('not_found');
      expect(await store.find(pinId, 'shop', clock.now())).toBeUndefined();
    });

    it.each(['verified', 'cancelled', 'expired', 'exhausted'] as const)(
      'is rejected once the verification is %s',
      async (end) => {
        const pinId = await createPending();
        if (end === 'verified') await checkCode(pinId, 'verified');
        if (end === 'cancelled') await store.cancel(pinId, 'shop', clock.now());
        if (end === 'exhausted')
          await completeAttempt(await grantAttempt(pinId), 'attempts_exhausted');
        clock.advance(end === 'expired' ? TTL_MS : seconds(30));

        expect(await reserveResend(pinId)).toEqual({ outcome: 'not_resendable' });
      },
    );
  });

  describe('a code', () => {
    // This test fails without `isClaimable` of `verify` in verification-queries.ts.
    it('verifies once when the provider confirms it to several concurrent requests', async () => {
      const pinId = await createPending({ maxAttempts: 10 });
      const attempts = await runConcurrently(10, () => grantAttempt(pinId));

      const results = await Promise.all(attempts.map((one) => completeAttempt(one, 'verified')));

      expect(results.filter(({ verified }) => verified)).toHaveLength(1);
      expect(await reserveAttempt(pinId)).toEqual({
        outcome: 'closed',
        reason: 'already_verified',
      });
    });

    // This test fails without `attempts < max_attempts` of `reserveAttempt` in number-reservations.ts.
    it('is checked at most as often as it has attempts, by two hundred concurrent requests', async () => {
      const pinId = await createPending();

      const results = await runConcurrently(200, () => reserveAttempt(pinId));

      expect(countOf(outcomes(results), 'granted')).toBe(MAX_ATTEMPTS);
      expect(await reserveAttempt(pinId)).toEqual({
        outcome: 'closed',
        reason: 'attempts_exhausted',
      });
    });

    // This test fails without `lockClause` of `reserveAttempt` in number-reservations.ts, but only if
    // requests overlap.
    it('is checked once by ten concurrent requests when it has one attempt', async () => {
      const pinIds = await runConcurrently(40, (i) =>
        createPending({ phoneNumber: phoneNumber(`+1415555${1000 + i}`), maxAttempts: 1 }),
      );

      const results = await runConcurrently(400, (i) =>
        reserveAttempt(pinIds[Math.floor(i / 10)] ?? ''),
      );

      expect(countOf(outcomes(results), 'granted')).toBe(pinIds.length);
    });

    // This test fails without `failuresPerNumberPerHour` in number-shares.ts.
    it('is rejected after FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR wrong codes of its client for its number, over all sends', async () => {
      await reopen({ FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '12' });
      const start = clock.now();
      let granted = 0;
      let pinId = '';
      for (let i = 0; i < 3; i += 1) {
        pinId = await createPending();
        const results = await runConcurrently(MAX_ATTEMPTS, () => reserveAttempt(pinId));
        for (const result of results) {
          if (result.outcome !== 'granted') continue;
          granted += 1;
          await completeAttempt(result.attempt, 'wrong_code');
        }
        clock.advance(seconds(30));
      }
      expect(granted).toBe(12);
      expect(await reserveAttempt(pinId)).toMatchObject({
        limit: 'failures',
        until: start + hours(1),
      });
      expect(await store.find(pinId, 'shop', clock.now())).toMatchObject({
        attemptsRemaining: MAX_ATTEMPTS - 2,
      });

      clock.advance(hours(1));
      expect((await reserveAttempt(await createPending())).outcome).toBe('granted');
    });

    // This test fails without `failuresPerNumberPerDay` in number-shares.ts.
    it('is rejected after twenty wrong codes for its number in a day, even after a right one', async () => {
      await reopen({ SENDS_PER_NUMBER_PER_DAY: '100' });
      const start = clock.now();
      // Five wrong codes in three rounds, four in the last, and one more are twenty.
      for (let round = 0; round < 4; round += 1) {
        const pinId = await createPending();
        const wrongCodes = round < 3 ? MAX_ATTEMPTS : MAX_ATTEMPTS - 1;
        for (let i = 0; i < wrongCodes; i += 1) await checkCode(pinId, 'wrong_code');
        clock.advance(hours(2));
        if (round === 3) break;
        expect(await checkCode(await createPending(), 'verified')).toEqual({ verified: true });
        clock.advance(minutes(1));
      }
      const pinId = await createPending();
      await checkCode(pinId, 'wrong_code');

      expect(await reserveAttempt(pinId)).toEqual({
        outcome: 'limited',
        limit: 'failures',
        until: start + hours(24),
      });
    });

    // This test fails without `isWrong` and `exhaustsAttempts` in rejected-code.ts.
    it('counts as a wrong code for its number when it was wrong at the only attempt', async () => {
      await reopen({ FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '3' });
      for (let i = 0; i < 2; i += 1) {
        const pinId = await createPending();
        const closed = { verified: false, reason: 'attempts_exhausted' };
        expect(await completeAttempt(await grantAttempt(pinId), 'wrong_code_final')).toEqual(
          closed,
        );
        expect(await reserveAttempt(pinId)).toEqual({
          outcome: 'closed',
          reason: 'attempts_exhausted',
        });
        clock.advance(minutes(1));
      }

      const pinId = await createPending();
      await checkCode(pinId, 'wrong_code');
      expect(await reserveAttempt(pinId)).toMatchObject({ outcome: 'limited', limit: 'failures' });
    });

    it('does not count as a wrong code for its number when it was right or never checked', async () => {
      // 27 released attempts: more than a number may have wrong codes in a day.
      for (let i = 0; i < 9; i += 1) {
        const client = `client-${i}`;
        const pinId = await createPending({ client });
        for (let j = 0; j < 3; j += 1) {
          const result = await reserveAttempt(pinId, { client });
          if (result.outcome !== 'granted') throw new Error(result.outcome);
          await store.releaseAttempt(result.attempt);
        }
        clock.advance(seconds(30));
      }
      const pinId = await createPending();
      await store.releaseAttempt(await grantAttempt(pinId));
      expect(await store.find(pinId, 'shop', clock.now())).toMatchObject({
        attemptsRemaining: MAX_ATTEMPTS,
      });
      expect(await checkCode(pinId, 'verified')).toEqual({ verified: true });
    });

    it('has one attempt less after each wrong code', async () => {
      const pinId = await createPending();

      for (const attemptsRemaining of [4, 3, 2, 1, 0]) {
        expect(await checkCode(pinId, 'wrong_code')).toEqual({
          verified: false,
          reason: 'wrong_code',
          attemptsRemaining,
        });
      }
      expect(await store.find(pinId, 'shop', clock.now())).toMatchObject({ status: 'exhausted' });
    });

    // This test fails without `isClaimable` of `verify` in verification-queries.ts, and without `isOpen` of
    // `reserveAttempt` in number-reservations.ts.
    it('is rejected after its expiry, even if its check began before', async () => {
      const pinId = await createPending();
      clock.advance(TTL_MS - 1);
      const attempt = await grantAttempt(pinId);
      clock.advance(1);

      expect(await completeAttempt(attempt, 'verified')).toEqual({
        verified: false,
        reason: 'expired',
      });
      expect(await reserveAttempt(pinId)).toEqual({ outcome: 'closed', reason: 'expired' });
    });

    // This test fails unless `exhaustAttempts` in verification-queries.ts adds attempts: other checks can
    // then succeed.
    it('verifies for one request while the provider reports the attempts of another exhausted', async () => {
      const pinId = await createPending();
      const [right, late] = [await grantAttempt(pinId), await grantAttempt(pinId)];

      expect(await completeAttempt(late, 'attempts_exhausted')).toEqual({
        verified: false,
        reason: 'attempts_exhausted',
      });
      expect(await completeAttempt(right, 'verified')).toEqual({ verified: true });
    });

    // This test fails without `toVerifyResult` in rejected-code.ts.
    it('is rejected because the verification ended during the check, even if it is wrong', async () => {
      const cancelled = await createPending();
      const expired = await createPending({ phoneNumber: OTHER_NUMBER });
      const [early, late] = [await grantAttempt(cancelled), await grantAttempt(expired)];
      await store.cancel(cancelled, 'shop', clock.now());
      expect(await completeAttempt(early, 'wrong_code')).toEqual({
        verified: false,
        reason: 'cancelled',
      });

      clock.advance(TTL_MS);
      expect(await completeAttempt(late, 'wrong_code')).toEqual({
        verified: false,
        reason: 'expired',
      });
    });

    // This test fails without `releaseAttempt` of `reject` in attempt-outcome.repository.ts.
    it('does not count as a wrong code for its number when the provider reports it expired or exhausted', async () => {
      await reopen({ FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '1' });
      for (const checkResult of ['expired', 'attempts_exhausted'] as const) {
        await completeAttempt(await grantAttempt(await createPending()), checkResult);
        clock.advance(seconds(30));
      }

      expect((await reserveAttempt(await createPending())).outcome).toBe('granted');
    });

    // This test fails without `pending` of `exhaustAttempts` and `isOpen` of `expire` in
    // verification-queries.ts.
    it('stays verified when the provider later reports other attempts expired or exhausted', async () => {
      const pinId = await createPending();
      const [right, spent, expired] = await runConcurrently(3, () => grantAttempt(pinId));
      if (!right || !spent || !expired) throw new Error('no attempt');
      await completeAttempt(right, 'verified');
      const before = await store.find(pinId, 'shop', clock.now());

      await completeAttempt(spent, 'attempts_exhausted');
      await completeAttempt(expired, 'expired');

      expect(await store.find(pinId, 'shop', clock.now())).toEqual(before);
    });

    it('stays exhausted when other attempts are released after the provider reported it exhausted', async () => {
      const pinId = await createPending();
      const attempts = await runConcurrently(MAX_ATTEMPTS, () => grantAttempt(pinId));
      const [last, ...others] = attempts;
      if (!last) throw new Error('no attempt');
      await completeAttempt(last, 'attempts_exhausted');
      expect(await store.find(pinId, 'shop', clock.now())).toMatchObject({ attemptsRemaining: 0 });
      for (const other of others) await store.releaseAttempt(other);

      expect(await reserveAttempt(pinId)).toEqual({
        outcome: 'closed',
        reason: 'attempts_exhausted',
      });
    });

    it('is expired once the provider reports it expired', async () => {
      const pinId = await createPending();

      expect(await completeAttempt(await grantAttempt(pinId), 'expired')).toMatchObject({
        reason: 'expired',
      });
      expect(await reserveAttempt(pinId)).toEqual({ outcome: 'closed', reason: 'expired' });
    });

    it.each([
      ['login-1', 'login-2'],
      ['login-1', undefined],
      [undefined, 'login-1'],
    ])(
      'sent with the reference %s is rejected with the reference %s, without using an attempt',
      async (sent, submitted) => {
        const pinId = await createPending({ reference: sent });

        expect(
          await reserveAttempt(pinId, submitted === undefined ? {} : { reference: submitted }),
        ).toEqual({
          outcome: 'closed',
          reason: 'reference_mismatch',
        });
        const result = await reserveAttempt(pinId, sent === undefined ? {} : { reference: sent });
        expect(result.outcome).toBe('granted');
        expect(await store.find(pinId, 'shop', clock.now())).toMatchObject({
          attemptsRemaining: MAX_ATTEMPTS - 1,
        });
      },
    );

    it('is checked for the newest verification of the client if the request has only the phone number', async () => {
      await createPending();
      clock.advance(seconds(30));
      const newer = await createPending();
      clock.advance(seconds(30));
      await createPending({ client: 'bank' });
      clock.advance(seconds(30));
      await store.releaseSend(await reserveSend(), ['infobip']);

      const result = await store.reserveAttempt({
        selector: { phoneNumber: NUMBER },
        client: 'shop',
        reference: undefined,
        codeLength: 6,
        now: clock.now(),
      });

      expect(result).toMatchObject({ outcome: 'granted', attempt: { pinId: newer } });
    });
  });

  describe('an idempotency key', () => {
    const idempotency: IdempotentRequest = { key: 'key-1', request: 'POST /otp/send a' };

    // This test fails without `on conflict` of `claim` in idempotency-key-queries.ts.
    it('admits one of a hundred concurrent sends, and returns its response to the others', async () => {
      const results = await runConcurrently(100, () =>
        store.reserveSend(verification(), idempotency),
      );
      expect(countOf(outcomes(results), 'admitted')).toBe(1);
      expect(countOf(outcomes(results), 'running')).toBe(99);

      const admitted = results.find((result) => result.outcome === 'admitted');
      if (admitted?.outcome !== 'admitted') throw new Error('none');
      await store.confirmSend(admitted.reservation, accepted('provider-pin'), RESPONSE);
      const repeats = await runConcurrently(100, () =>
        store.reserveSend(verification(), idempotency),
      );
      expect(new Set(repeats.map((repeat) => JSON.stringify(repeat)))).toEqual(
        new Set([JSON.stringify({ outcome: 'replayed', response: RESPONSE })]),
      );
    });

    // This test fails without `ownsIdempotencyKey` of `reserveSend` and `reserveAttempt` in
    // number-reservations.ts, and without `rollback` of `reserveResend` in send.repository.ts.
    it('does not count a message or an attempt when it is repeated', async () => {
      await reopen({ SENDS_PER_NUMBER_PER_DAY: '3' });
      const reservation = await reserveSend({}, idempotency);
      await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE);
      const { pinId } = reservation;
      const resendKey = { key: 'resend', request: 'POST /otp/resend a' };
      const verifyKey = { key: 'verify', request: 'POST /otp/verify a' };
      const resendWithKey = () =>
        store.reserveResend({ pinId, client: 'shop', channel: 'sms', now: clock.now() }, resendKey);
      clock.advance(seconds(30));
      expect((await resendWithKey()).outcome).toBe('admitted');
      await completeAttempt(await grantAttempt(pinId, verifyKey), 'wrong_code');

      for (let i = 0; i < 3; i += 1) {
        clock.advance(seconds(30));
        expect((await store.reserveSend(verification(), idempotency)).outcome).toBe('replayed');
        expect((await resendWithKey()).outcome).toBe('ambiguous');
        expect((await reserveAttempt(pinId, { idempotency: verifyKey })).outcome).toBe('replayed');
      }

      expect(await checkCode(pinId, 'wrong_code')).toMatchObject({
        attemptsRemaining: MAX_ATTEMPTS - 2,
      });
      expect((await reserveResend(pinId)).outcome).toBe('admitted');
    });

    it('belongs to one request of one client', async () => {
      await store.confirmSend(
        await reserveSend({}, idempotency),
        accepted('provider-pin'),
        RESPONSE,
      );

      const other = { ...idempotency, request: 'POST /otp/send b' };
      expect(await store.reserveSend(verification(), other)).toEqual({ outcome: 'key_reused' });
      const bank = verification({ client: 'bank', phoneNumber: OTHER_NUMBER });
      expect((await store.reserveSend(bank, other)).outcome).toBe('admitted');
      expect((await store.reserveSend(bank, other)).outcome).toBe('running');
      expect((await store.reserveSend(verification(), idempotency)).outcome).toBe('replayed');
    });

    it('can be used again after a rejected send and after a send that sent nothing', async () => {
      const reservation = await reserveSend({}, idempotency);
      await store.releaseSend(reservation, []);
      await store.confirmSend(
        await reserveSend({}, idempotency),
        accepted('provider-pin'),
        RESPONSE,
      );

      const other = { key: 'key-2', request: 'x' };
      expect(await store.reserveSend(verification(), other)).toMatchObject({ outcome: 'limited' });
      clock.advance(seconds(30));
      expect((await store.reserveSend(verification(), other)).outcome).toBe('admitted');
    });

    // This test fails without `rollback` of `reserveResend` in send.repository.ts.
    it('can be used again after a rejected resend', async () => {
      const pinId = await createPending();
      const resendWithKey = () =>
        store.reserveResend(
          { pinId, client: 'shop', channel: 'sms', now: clock.now() },
          idempotency,
        );
      expect(await resendWithKey()).toMatchObject({ limit: 'cooldown' });
      clock.advance(seconds(30));
      expect((await resendWithKey()).outcome).toBe('admitted');

      const unknown = {
        pinId: 'unknown',
        client: 'shop',
        channel: 'sms',
        now: clock.now(),
      } as const;
      const other = { key: 'key-2', request: 'x' };
      for (let i = 0; i < 2; i += 1) {
        expect(await store.reserveResend(unknown, other)).toEqual({ outcome: 'not_found' });
      }
    });

    it('never sends a second message once the first may have been sent, even after a crash', async () => {
      await store.releaseSend(await reserveSend({}, idempotency), ['infobip']);
      const crashed = { key: 'crashed', request: 'x' };
      await reserveSend({ phoneNumber: OTHER_NUMBER }, crashed);
      expect(await store.reserveSend(verification(), crashed)).toEqual({ outcome: 'running' });
      clock.advance(minutes(1));
      await opened.runCleanup();

      expect(await store.reserveSend(verification(), idempotency)).toMatchObject({
        outcome: 'ambiguous',
      });
      expect(await store.reserveSend(verification(), crashed)).toMatchObject({
        outcome: 'ambiguous',
      });
    });

    // This test fails without `storeIfConfirmed` in idempotency-key-queries.ts.
    it('reports an ambiguous result when the send was abandoned before its response arrived', async () => {
      const reservation = await reserveSend({}, idempotency);
      clock.advance(MAX_REQUEST_MS);
      await opened.runCleanup();

      expect(await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE)).toBe(
        'not_found',
      );
      expect(await store.reserveSend(verification(), idempotency)).toMatchObject({
        outcome: 'ambiguous',
      });
    });

    it('returns the success of a verify again', async () => {
      const pinId = await createPending();
      const verifyKey = { key: 'verify', request: 'POST /otp/verify a' };
      await completeAttempt(await grantAttempt(pinId, verifyKey), 'verified');

      expect(await reserveAttempt(pinId, { idempotency: verifyKey })).toEqual({
        outcome: 'replayed',
        response: { verified: true },
      });
      expect(await reserveAttempt(pinId)).toEqual({
        outcome: 'closed',
        reason: 'already_verified',
      });
    });

    // This test fails if `markAmbiguous` in idempotency-key-queries.ts replaces a stored response.
    it('returns the success of a verify again, even if its answer is reported as lost afterwards', async () => {
      const pinId = await createPending();
      const verifyKey = { key: 'verify', request: 'POST /otp/verify a' };
      const attempt = await grantAttempt(pinId, verifyKey);
      await completeAttempt(attempt, 'verified');
      await opened.lostAnswers.keepAttempt(attempt, clock.now(), { requestId: 'request' });

      expect(await reserveAttempt(pinId, { idempotency: verifyKey })).toEqual({
        outcome: 'replayed',
        response: { verified: true },
      });
    });

    // This test fails without `canBeClaimed` of `storeIfClaimable` in idempotency-key-queries.ts, for this
    // verification.
    it('never returns a success for a right code that came second', async () => {
      await createPending({ phoneNumber: OTHER_NUMBER });
      const pinId = await createPending();
      const verifyKey = { key: 'verify', request: 'POST /otp/verify a' };
      const [first, second] = [await grantAttempt(pinId), await grantAttempt(pinId, verifyKey)];
      await completeAttempt(first, 'verified');
      const late = { verified: false, reason: 'already_verified' };

      const [result, meanwhile] = await Promise.all([
        completeAttempt(second, 'verified'),
        reserveAttempt(pinId, { idempotency: verifyKey }),
      ]);

      expect(result).toEqual(late);
      expect(meanwhile).not.toMatchObject({ response: { verified: true } });
      expect(await reserveAttempt(pinId, { idempotency: verifyKey })).toEqual({
        outcome: 'replayed',
        response: late,
      });
    });

    it('runs a verify again when the code was not checked or the process crashed', async () => {
      const pinId = await createPending();
      const verifyKey = { key: 'verify', request: 'POST /otp/verify a' };
      await store.releaseAttempt(await grantAttempt(pinId, verifyKey));
      await grantAttempt(pinId, verifyKey);
      expect(await reserveAttempt(pinId, { idempotency: verifyKey })).toEqual({
        outcome: 'running',
      });
      clock.advance(MAX_REQUEST_MS);

      const other = { ...verifyKey, request: 'POST /otp/verify b' };
      expect(await reserveAttempt(pinId, { idempotency: other })).toEqual({
        outcome: 'key_reused',
      });
      expect((await reserveAttempt(pinId, { idempotency: verifyKey })).outcome).toBe('granted');
    });

    // This test fails without `run` of `update` and `release` in idempotency-key-queries.ts.
    it('is not changed by an abandoned run while a later run of the verify has it', async () => {
      const pinId = await createPending();
      const verifyKey = { key: 'verify', request: 'POST /otp/verify a' };
      const abandoned = await grantAttempt(pinId, verifyKey);
      clock.advance(MAX_REQUEST_MS);
      const unchecked = await grantAttempt(pinId, verifyKey);
      clock.advance(MAX_REQUEST_MS);
      const last = await grantAttempt(pinId, verifyKey);

      await completeAttempt(abandoned, 'wrong_code');
      await store.releaseAttempt(unchecked);
      expect(await reserveAttempt(pinId, { idempotency: verifyKey })).toEqual({
        outcome: 'running',
      });

      await completeAttempt(last, 'verified');
      expect(await reserveAttempt(pinId, { idempotency: verifyKey })).toMatchObject({
        response: { verified: true },
      });
    });

    // This test fails without `releaseIfUncounted` in idempotency-key-queries.ts.
    it('can be used again when the code was not counted', async () => {
      const pinId = await createPending();
      await store.cancel(pinId, 'shop', clock.now());
      const verifyKey = { key: 'verify', request: 'POST /otp/verify a' };

      for (let i = 0; i < 2; i += 1) {
        expect((await reserveAttempt(pinId, { idempotency: verifyKey })).outcome).toBe('closed');
      }
    });

    // This test fails without `do update set` of `claim` in idempotency-key-queries.ts.
    it('expires after a day and can then be used for another request', async () => {
      await store.confirmSend(
        await reserveSend({}, idempotency),
        accepted('provider-pin'),
        RESPONSE,
      );
      clock.advance(hours(24) - 1);
      expect((await store.reserveSend(verification(), idempotency)).outcome).toBe('replayed');
      clock.advance(1);

      const other = { ...idempotency, request: 'POST /otp/send b' };
      const again = () => store.reserveSend(verification({ phoneNumber: OTHER_NUMBER }), other);
      expect((await again()).outcome).toBe('admitted');
      expect(await again()).toEqual({ outcome: 'running' });
      expect(await store.reserveSend(verification(), idempotency)).toEqual({
        outcome: 'key_reused',
      });
    });

    // This test fails if `eraseAnswers` in verification-queries.ts deletes the keys instead.
    it.each(['send', 'resend', 'verify'] as const)(
      'of %s is not usable again after its number was erased',
      async (operation) => {
        const sent = await reserveSend({}, operation === 'send' ? idempotency : undefined);
        await store.confirmSend(sent, accepted('provider-pin'), RESPONSE);
        const { pinId } = sent;
        const repeat = {
          send: () => store.reserveSend(verification(), idempotency),
          resend: () =>
            store.reserveResend(
              { pinId, client: 'shop', channel: 'sms', now: clock.now() },
              idempotency,
            ),
          verify: () => reserveAttempt(pinId, { idempotency }),
        }[operation];
        clock.advance(seconds(30));
        if (operation === 'verify') {
          await completeAttempt(await grantAttempt(pinId, idempotency), 'wrong_code');
        }
        if (operation === 'resend') expect((await repeat()).outcome).toBe('admitted');

        await store.erase(NUMBER, 'shop');
        clock.advance(hours(23));
        await opened.runCleanup();

        for (let i = 0; i < 2; i += 1) expect(await repeat()).toEqual({ outcome: 'key_reused' });
        clock.advance(hours(1));
        if (operation === 'send') expect((await repeat()).outcome).toBe('admitted');
      },
    );

    it('still replays its response after its verification was cancelled', async () => {
      const reservation = await reserveSend({}, idempotency);
      await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE);
      await store.cancel(reservation.pinId, 'shop', clock.now());
      clock.advance(hours(24) - 1);
      await opened.runCleanup();

      expect((await store.reserveSend(verification(), idempotency)).outcome).toBe('replayed');
    });
  });

  describe('a client', () => {
    it('can neither see nor change the verifications of another client', async () => {
      const idempotency = { key: 'key', request: 'x' };
      const reservation = await reserveSend({}, idempotency);
      await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE);
      const { pinId } = reservation;

      expect(await store.find(pinId, 'bank', clock.now())).toBeUndefined();
      expect(await reserveAttempt(pinId, { client: 'bank' })).toEqual({ outcome: 'not_found' });
      expect(await reserveResend(pinId, 'bank')).toEqual({ outcome: 'not_found' });
      expect(await store.cancel(pinId, 'bank', clock.now())).toBe('not_found');
      // An idempotency key that was not erased keeps its verification, so one without a key is needed.
      const withoutKey = await createPending({ phoneNumber: OTHER_NUMBER });
      await store.erase(NUMBER, 'bank');
      await store.erase(OTHER_NUMBER, 'bank');
      expect(await store.find(withoutKey, 'shop', clock.now())).toBeDefined();
      expect((await store.reserveSend(verification(), idempotency)).outcome).toBe('replayed');
      expect(await checkCode(pinId, 'verified')).toEqual({ verified: true });
      expect(await store.getLastVerifiedAt(NUMBER, 'bank')).toBeUndefined();
    });

    // This test fails without `number_hash` of `readNewest`, `readLastVerified`, `eraseAnswers` and
    // `isErasable` in verification-queries.ts.
    it('checks, looks up and erases one number and no other', async () => {
      const idempotency = { key: 'key', request: 'x' };
      const reservation = await reserveSend({}, idempotency);
      await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE);
      clock.advance(1);
      const other = await createPending({ phoneNumber: OTHER_NUMBER });
      const withoutKey = await createPending({ phoneNumber: phoneNumber('+14155552673') });
      const selector = { phoneNumber: NUMBER };
      const now = clock.now();
      expect(
        await store.reserveAttempt({
          selector,
          client: 'shop',
          reference: undefined,
          codeLength: 6,
          now,
        }),
      ).toMatchObject({ attempt: { pinId: reservation.pinId } });
      await checkCode(other, 'verified');
      expect(await store.getLastVerifiedAt(NUMBER, 'shop')).toBeUndefined();

      await store.erase(OTHER_NUMBER, 'shop');

      expect(await store.find(withoutKey, 'shop', clock.now())).toBeDefined();
      expect((await store.reserveSend(verification(), idempotency)).outcome).toBe('replayed');
      expect(await checkCode(reservation.pinId, 'verified')).toEqual({ verified: true });
    });

    // This test fails without `pin_id` in each statement of verification-queries.ts and send-queries.ts
    // that changes a verification, except for lost answers.
    it('changes one verification and no other', async () => {
      const other = await createPending({ phoneNumber: OTHER_NUMBER });
      await checkCode(other, 'wrong_code');
      // Its check has no result.
      await grantAttempt(other);
      const before = await readRow(other);
      const sending = await reserveSend({ phoneNumber: phoneNumber('+14155552673') });

      await store.releaseSend(await reserveSend(), []);
      await store.releaseSend(await reserveSend(), ['test-provider']);
      for (const end of ['verified', 'cancelled', 'expired', 'attempts_exhausted'] as const) {
        clock.advance(seconds(30));
        const pinId = await createPending();
        await store.releaseAttempt(await grantAttempt(pinId));
        clock.advance(seconds(30));
        const resend = async () => {
          const admission = await reserveResend(pinId);
          if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
          expect(admission.reservation.phoneNumber.e164).toBe(NUMBER.e164);
          return admission.reservation;
        };
        await store.releaseSend(await resend(), []);
        await store.confirmSend(await resend(), accepted('provider-pin-again'), RESPONSE);
        if (end === 'cancelled') await store.cancel(pinId, 'shop', clock.now());
        else await completeAttempt(await grantAttempt(pinId), end);
      }

      expect(await readRow(other)).toEqual(before);
      expect(await store.confirmSend(sending, accepted('provider-pin'), RESPONSE)).toBe(
        'confirmed',
      );
    });

    it('can cancel a verification, and cannot change one that has ended', async () => {
      const pinId = await createPending();
      expect(await store.cancel(pinId, 'shop', clock.now())).toBe('cancelled');
      expect(await reserveAttempt(pinId)).toEqual({ outcome: 'closed', reason: 'cancelled' });

      clock.advance(seconds(30));
      const verified = await createPending();
      await checkCode(verified, 'verified');
      expect(await store.cancel(verified, 'shop', clock.now())).toBe('ended');
      expect(await store.find(verified, 'shop', clock.now())).toMatchObject({ status: 'verified' });
    });

    // This test fails without verification-status.ts, `cancel` in verification-queries.ts, and `supersede` in
    // send-queries.ts.
    it('cannot change an exhausted or expired verification by a cancel or a new send', async () => {
      const readState = async (pinId: string) => {
        const verification = await store.find(pinId, 'shop', clock.now());
        return [(verification as Verification).status, await reserveAttempt(pinId)];
      };
      const exhausted = await createPending();
      for (let i = 0; i < MAX_ATTEMPTS; i += 1) await checkCode(exhausted, 'wrong_code');
      const wasExhausted = await readState(exhausted);
      await store.cancel(exhausted, 'shop', clock.now());
      expect(await readState(exhausted)).toEqual(wasExhausted);

      clock.advance(seconds(30));
      const expired = await createPending();
      expect(await readState(exhausted)).toEqual(wasExhausted);
      clock.advance(minutes(5));
      const wasExpired = await readState(expired);
      await store.cancel(expired, 'shop', clock.now());
      expect(await readState(expired)).toEqual(wasExpired);

      await createPending();
      expect(await readState(expired)).toEqual(wasExpired);
      expect([wasExhausted, wasExpired]).toEqual([
        ['exhausted', { outcome: 'closed', reason: 'attempts_exhausted' }],
        ['expired', { outcome: 'closed', reason: 'expired' }],
      ]);
    });

    it('can look up when a number was last verified', async () => {
      expect(await store.getLastVerifiedAt(NUMBER, 'shop')).toBeUndefined();
      await checkCode(await createPending(), 'verified');
      clock.advance(hours(1));
      await checkCode(await createPending(), 'verified');
      const last = clock.now();
      clock.advance(hours(1));
      await createPending();

      expect(await store.getLastVerifiedAt(NUMBER, 'shop')).toBe(last);
    });

    it('can erase a number, whose limits stay counted', async () => {
      const idempotency = { key: 'key', request: 'x' };
      const reservation = await reserveSend({}, idempotency);
      await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE);
      await checkCode(reservation.pinId, 'verified');
      await store.erase(NUMBER, 'shop');

      expect(await store.find(reservation.pinId, 'shop', clock.now())).toBeUndefined();
      expect(await store.getLastVerifiedAt(NUMBER, 'shop')).toBeUndefined();
      expect(await store.reserveSend(verification())).toMatchObject({ limit: 'cooldown' });
    });

    it('leaves no data behind when it erases a number during a send', async () => {
      const reservation = await reserveSend();
      await store.erase(NUMBER, 'shop');

      expect(await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE)).toBe(
        'not_found',
      );

      const released = await reserveSend({ phoneNumber: OTHER_NUMBER });
      await store.erase(OTHER_NUMBER, 'shop');
      await store.releaseSend(released, []);
      await createPending({ phoneNumber: OTHER_NUMBER });
    });

    // This test fails without `release` in send-limits.ts.
    it('can erase a number during a send, which is released from every limit if nothing was sent', async () => {
      await reopen({ SENDS_PER_END_USER_IP_PER_HOUR: '1', CLIENT_SENDS_PER_DAY: '1' });
      const endUserAddress = '203.0.113.7';
      const reservation = await reserveSend({ endUserAddress });
      await store.erase(NUMBER, 'shop');
      await store.releaseSend(reservation, []);

      const other = verification({ phoneNumber: OTHER_NUMBER, endUserAddress });
      expect(await store.reserveSend(other)).toMatchObject({ outcome: 'admitted' });
    });
  });

  it('deletes verifications older than RETENTION, and keeps the others', async () => {
    const old = await createPending();
    await checkCode(old, 'verified');
    clock.advance(hours(24 * 30) - 1);
    const recent = await createPending({ phoneNumber: OTHER_NUMBER });
    await opened.runCleanup();
    expect(await store.getLastVerifiedAt(NUMBER, 'shop')).toBeDefined();

    clock.advance(1);
    await opened.runCleanup();
    expect(await store.getLastVerifiedAt(NUMBER, 'shop')).toBeUndefined();
    expect(await store.find(recent, 'shop', clock.now())).toBeDefined();
  });

  it('keeps verifications and limits over a restart', async () => {
    const pinId = await createPending();
    await reopen({});

    expect(await store.reserveSend(verification())).toMatchObject({ limit: 'cooldown' });
    expect(await checkCode(pinId, 'verified')).toEqual({ verified: true });
  });

  // This test fails without `getPreviousHashes` in data-protection.ts, and without `hashNumber` in
  // verification-table.ts.
  it('keeps verifications, limits and responses after a change of OTP_SECRET', async () => {
    const idempotency = { key: 'key', request: 'x' };
    const reservation = await reserveSend({ reference: 'login' }, idempotency);
    await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE);
    await createPending({ phoneNumber: OTHER_NUMBER });
    await store.confirmSend(
      await reserveSend({ client: 'bank' }, idempotency),
      accepted('provider-pin'),
      BANK_RESPONSE,
    );
    await reopen({ OTP_SECRET: BOTH_SECRETS });

    expect(await store.reserveSend(verification())).toMatchObject({ limit: 'cooldown' });
    for (const [client, response] of [
      ['shop', RESPONSE],
      ['bank', BANK_RESPONSE],
    ] as const) {
      const repeat = verification({ client });
      expect(await store.reserveSend(repeat, idempotency)).toEqual({
        outcome: 'replayed',
        response,
      });
    }
    const result = await store.reserveAttempt({
      selector: { phoneNumber: NUMBER },
      client: 'shop',
      reference: 'login',
      codeLength: 6,
      now: clock.now(),
    });
    expect(result).toMatchObject({ outcome: 'granted', attempt: { pinId: reservation.pinId } });
  });

  // This test fails without `isNumberOfCode` of each query in number-limits.ts.
  it('completes and releases attempts whose number got a new hash meanwhile', async () => {
    const pinId = await createPending();
    const [wrong, released, right] = [
      await grantAttempt(pinId),
      await grantAttempt(pinId),
      await grantAttempt(pinId),
    ];
    await reopen({ OTP_SECRET: BOTH_SECRETS });
    // Finds the number, and so gives it the hash under the new secret.
    await store.reserveSend(verification());

    await completeAttempt(wrong, 'wrong_code');
    // A repetition of the same write resolves nothing.
    await completeAttempt(wrong, 'wrong_code');
    expect(await readRow(pinId)).toMatchObject({ attempts: 3, unresolved: 2 });
    await store.releaseAttempt(released);
    expect(await readRow(pinId)).toMatchObject({ attempts: 2, unresolved: 1 });
    expect(await completeAttempt(right, 'verified')).toEqual({ verified: true });
    expect(await readNumber('shop')).toEqual({ wrongCodes: 1, verifiedAt: clock.now() });
  });

  // This test fails without `rehashNumber` in verification-table.ts, and without the call of `rehash`
  // (idempotency-key.repository.ts) in every operation.
  it('finds what it stored under the previous secret, in every operation', async () => {
    const numbers = Array.from({ length: 6 }, (_, i) => phoneNumber(`+1415555${3_000 + i}`));
    const pinIds: string[] = [];
    for (const number of numbers) pinIds.push(await createPending({ phoneNumber: number }));
    const [lookedUp, erased, verifiedByNumber] = numbers;
    const [verified = '', pinIdOfErased = '', , checked = '', resent = '', pinIdInCooldown = ''] =
      pinIds;
    if (!lookedUp || !erased || !verifiedByNumber) throw new Error('no number');
    const idempotency = { key: 'key', request: 'x' };
    await checkCode(verified, 'verified');
    await completeAttempt(await grantAttempt(checked, idempotency), 'wrong_code');
    clock.advance(seconds(30));
    const resendOf = () =>
      store.reserveResend(
        { pinId: resent, client: 'shop', channel: 'sms', now: clock.now() },
        { key: 'resend', request: 'y' },
      );
    expect((await resendOf()).outcome).toBe('admitted');
    expect((await reserveResend(pinIdInCooldown)).outcome).toBe('admitted');
    await reopen({ OTP_SECRET: BOTH_SECRETS });

    expect(await store.getLastVerifiedAt(lookedUp, 'shop')).toBeDefined();
    await store.erase(erased, 'shop');
    expect(await store.find(pinIdOfErased, 'shop', clock.now())).toBeUndefined();
    expect(
      await store.reserveAttempt({
        selector: { phoneNumber: verifiedByNumber },
        client: 'shop',
        reference: undefined,
        codeLength: 6,
        now: clock.now(),
      }),
    ).toMatchObject({ outcome: 'granted' });
    expect((await reserveAttempt(checked, { idempotency })).outcome).toBe('replayed');
    expect((await resendOf()).outcome).toBe('running');
    expect(await reserveResend(pinIdInCooldown)).toMatchObject({ limit: 'cooldown' });
  });

  // This test fails without `rehashVerification` in verification-table.ts. Another client may have had the
  // number rehashed before.
  it('adds up the wrong codes for a number stored under the old and the new secret', async () => {
    const pinId = await createPending();
    await checkCode(pinId, 'wrong_code');
    await reopen({
      OTP_SECRET: BOTH_SECRETS,
      FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '2',
    });
    clock.advance(seconds(30));
    const other = await createPending({ client: 'bank' });
    const result = await reserveAttempt(other, { client: 'bank' });
    expect(result.outcome).toBe('granted');

    expect(await reserveAttempt(pinId)).toMatchObject({
      limit: 'shared',
      cause: 'shared_failures',
    });
  });

  // This test fails without `cancelOlderPending` in verification-queries.ts, and without `rehash` in
  // idempotency-key-queries.ts.
  it('uses a number and an idempotency key stored under both secrets', async () => {
    const idempotency = { key: 'key', request: 'x' };
    const send = async () =>
      store.confirmSend(await reserveSend({}, idempotency), accepted('provider-pin'), RESPONSE);
    await send();
    // The old secret is removed too early: data written under it cannot be found.
    await reopen({ OTP_SECRET: NEW_SECRET });
    clock.advance(1);
    await send();
    await reopen({ OTP_SECRET: BOTH_SECRETS });

    expect(await store.reserveSend(verification(), idempotency)).toMatchObject({
      outcome: 'replayed',
    });
    expect(await store.getLastVerifiedAt(NUMBER, 'shop')).toBeUndefined();
    expect(await reserveAttempt('pin-1')).toEqual({ outcome: 'closed', reason: 'cancelled' });
    expect(await checkCode('pin-2', 'verified')).toEqual({ verified: true });
    await store.erase(NUMBER, 'shop');
    expect(await store.find('pin-1', 'shop', clock.now())).toBeUndefined();
  });

  // This test fails without `rehash` in idempotency-key-queries.ts.
  it('runs a verify again that crashed under the previous secret', async () => {
    const pinId = await createPending();
    const verifyKey = { key: 'verify', request: 'POST /otp/verify a' };
    await grantAttempt(pinId, verifyKey);
    await reopen({ OTP_SECRET: BOTH_SECRETS });
    clock.advance(MAX_REQUEST_MS);

    expect((await reserveAttempt(pinId, { idempotency: verifyKey })).outcome).toBe('granted');
  });

  // This test fails without `update` in idempotency-key-queries.ts.
  it('stores a response whose request was repeated under a newer secret before it was complete', async () => {
    const idempotency = { key: 'key', request: 'x' };
    const reservation = await reserveSend({}, idempotency);
    await reopen({ OTP_SECRET: BOTH_SECRETS });
    expect(await store.reserveSend(verification(), idempotency)).toEqual({ outcome: 'running' });

    await store.confirmSend(reservation, accepted('provider-pin'), RESPONSE);
    expect(await store.reserveSend(verification(), idempotency)).toEqual({
      outcome: 'replayed',
      response: RESPONSE,
    });
  });

  it('names OTP_SECRET in the error when the secret of the data is missing', async () => {
    const pinId = await createPending();
    await reopen({ OTP_SECRET: 'quite another secret that is long enough' });

    expect(await store.find(pinId, 'shop', clock.now())).toMatchObject({
      message: 'OTP_SECRET no longer lists the secret of the stored data.',
    });
  });
});
