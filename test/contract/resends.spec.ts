import { minutes, seconds } from '../../src/common/durations.js';
import type { CheckResult } from '../../src/common/check-result.js';
import type { Attempt } from '../../src/storage/attempt.types.js';
import type { IdempotentRequest } from '../../src/storage/idempotency.types.js';
import type { SendReservation } from '../../src/storage/send.types.js';
import { FakeClock } from '../support/fake-clock.js';
import { grantAttempt } from '../support/grant-attempt.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { DATABASES, type OpenStore, type TestStorage } from '../support/store.js';

const NUMBER = phoneNumber('+14155552671');
const RESPONSE = sendResponse('pin');
/** A request that has run for longer counts as abandoned. */
const MAX_REQUEST_MS = seconds(15);
const FINAL_RESULTS = ['wrong_code_final', 'attempts_exhausted', 'expired'] as const;

describe.each(DATABASES)('A resend on %s', (_engine, newStorage) => {
  let storage: TestStorage;
  let clock: FakeClock;
  let opened: OpenStore;
  let pinId: string;

  beforeEach(async () => {
    clock = new FakeClock();
    storage = await newStorage();
    opened = await storage.open(clock, {
      SEND_COOLDOWN: '1s',
      EVENTS_URL: 'http://127.0.0.1:1/events',
      EVENTS_SECRET: `whsec_${'A'.repeat(32)}`,
    });
    pinId = await createPending();
  });

  afterEach(async () => {
    await opened.close();
    await storage.removeData();
  });

  async function createPending(): Promise<string> {
    const admission = await opened.store.reserveSend(newVerification('pin', NUMBER, clock.now()));
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    await confirm(admission.reservation, 'first');
    return admission.reservation.pinId;
  }

  async function reserveResend(idempotency?: IdempotentRequest): Promise<SendReservation> {
    clock.advance(seconds(1));
    const request = { pinId, client: 'shop', channel: 'voice' as const, now: clock.now() };
    const admission = await opened.store.reserveResend(request, idempotency);
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    return admission.reservation;
  }

  const confirm = (reservation: SendReservation, providerPinId: string, provider = 'sinch') =>
    opened.store.confirmSend(
      reservation,
      { provider, pinId: providerPinId, possiblySentBy: [] },
      RESPONSE,
    );

  const reserveAttempt = () => grantAttempt(opened.store, pinId, { now: clock.now() });
  const complete = (attempt: Attempt, result: CheckResult) =>
    opened.store.completeAttempt(attempt, result, clock.now());
  const find = () => opened.store.find(pinId, 'shop', clock.now());
  const readCode = async () => (await reserveAttempt()).providerPinId;

  async function readEarlierSends(): Promise<string> {
    const { read } = opened.database.prepare('test', {
      read: (db, p: { pinId: string }) =>
        db.selectFrom('verifications').select('earlier_sends').where('pin_id', '=', p.pinId),
    });
    const { row } = await opened.database.run((batch) => read(batch, { pinId }));
    return row?.earlier_sends ?? 'no verification';
  }

  describe('that is running when the check of the earlier code has a final result', () => {
    // This test fails without `after` of `isNotReplaced` in window-predicates.ts.
    it.each(FINAL_RESULTS)('has a code that can be verified (%s)', async (result) => {
      const early = await reserveAttempt();
      const resend = await reserveResend();

      const remaining = { verified: false, reason: 'wrong_code', attemptsRemaining: 4 };
      expect(await complete(early, result)).toEqual(remaining);
      expect(await find()).toMatchObject({ status: 'pending', attemptsRemaining: 4 });
      expect(await opened.outbox.claim(1)).toEqual([]);

      expect(await confirm(resend, 'second')).toBe('confirmed');
      expect(await complete(await reserveAttempt(), 'verified')).toEqual({ verified: true });
      expect(await opened.outbox.claim(2)).toMatchObject([{ type: 'verification.verified' }]);
    });

    it.each(FINAL_RESULTS)('takes over only a result of its own code (%s)', async (result) => {
      await confirm(await reserveResend(), 'second');

      expect(await complete(await reserveAttempt(), result)).toEqual({
        verified: false,
        reason: result === 'expired' ? 'expired' : 'attempts_exhausted',
      });
    });

    it('ends the verification with the next check if the message was not sent', async () => {
      const early = await reserveAttempt();
      const resend = await reserveResend();
      await complete(early, 'attempts_exhausted');
      await opened.store.releaseSend(resend, []);

      const exhausted = { verified: false, reason: 'attempts_exhausted' };
      expect(await complete(await reserveAttempt(), 'attempts_exhausted')).toEqual(exhausted);
    });

    it('ends the verification if a crash has interrupted the resend', async () => {
      await reserveResend();
      const attempt = await reserveAttempt();
      clock.advance(MAX_REQUEST_MS - 1);
      expect(await complete(attempt, 'attempts_exhausted')).toMatchObject({ reason: 'wrong_code' });

      const last = await reserveAttempt();
      clock.advance(1);
      expect(await complete(last, 'attempts_exhausted')).toMatchObject({
        reason: 'attempts_exhausted',
      });
    });
  });

  // This test fails if `complete` in resend-confirmations.ts always returns `confirmed`.
  it.each(['verified', 'cancelled', 'expired', 'exhausted', 'pending'] as const)(
    'is not confirmed, and is not sent again, if the verification is %s without attempts by then',
    async (end) => {
      for (let i = 0; i < 4; i += 1) await complete(await reserveAttempt(), 'wrong_code');
      const idempotency = { key: 'key', request: 'resend' };
      const resend = await reserveResend(idempotency);
      if (end === 'verified') await complete(await reserveAttempt(), 'verified');
      if (end === 'cancelled') await opened.store.cancel(pinId, 'shop', clock.now());
      if (end === 'expired') clock.advance(minutes(5));
      if (end === 'exhausted') await complete(await reserveAttempt(), 'wrong_code');
      // The last code is still being checked.
      if (end === 'pending') await reserveAttempt();

      expect(await confirm(resend, 'second')).toBe('not_resendable');

      expect(await find()).toMatchObject({ status: end });
      const request = { pinId, client: 'shop', channel: 'voice' as const, now: clock.now() };
      expect(await opened.store.reserveResend(request, idempotency)).toMatchObject({
        outcome: 'ambiguous',
      });
    },
  );

  describe('that overlaps another resend', () => {
    // This test fails without `isNewer` of `confirm` in resend-confirmations.ts.
    it('does not replace the code of a later one', async () => {
      const idempotency = { key: 'key', request: 'resend' };
      const earlier = await reserveResend(idempotency);
      const later = await reserveResend();

      expect(await confirm(later, 'later')).toBe('confirmed');
      expect(await confirm(earlier, 'earlier', 'infobip')).toBe('confirmed');

      expect(await readCode()).toBe('later');
      expect(await find()).toMatchObject({ provider: 'sinch' });
      expect(await readEarlierSends()).toBe('sinch:sms,infobip:voice,');
      const request = { pinId, client: 'shop', channel: 'voice' as const, now: clock.now() };
      expect(await opened.store.reserveResend(request, idempotency)).toEqual({
        outcome: 'replayed',
        response: RESPONSE,
      });
    });

    // This test fails without the loop of `confirm` in resend-confirmations.ts.
    it('replaces the code of an earlier one', async () => {
      const [earlier, later] = [await reserveResend(), await reserveResend()];

      await confirm(earlier, 'earlier', 'infobip');
      await confirm(later, 'later');

      expect(await readCode()).toBe('later');
      expect(await readEarlierSends()).toBe('sinch:sms,infobip:voice,');
    });

    it('replaces the code of an earlier one though a third one was not sent', async () => {
      const [earlier, later] = [await reserveResend(), await reserveResend()];
      const unsent = await reserveResend();

      await confirm(earlier, 'earlier');
      await confirm(later, 'later');
      await opened.store.releaseSend(unsent, []);

      expect(await readCode()).toBe('later');
    });

    it('has a code that can be verified when the check of the earlier one has a final result', async () => {
      const [earlier, later] = [await reserveResend(), await reserveResend()];
      await confirm(earlier, 'earlier');

      await complete(await reserveAttempt(), 'wrong_code_final');
      await confirm(later, 'later');

      expect(await complete(await reserveAttempt(), 'verified')).toEqual({ verified: true });
    });
  });
});
