import { setImmediate as nextTurn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { hours, minutes, seconds } from '../../src/common/durations.js';
import type { Attempt } from '../../src/storage/attempt.types.js';
import type { SendReservation } from '../../src/storage/send.types.js';
import { EVENTS_SECRET } from '../support/event-receiver.js';
import { FakeClock } from '../support/fake-clock.js';
import { grantAttempt } from '../support/grant-attempt.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { DATABASES, type OpenStore, type TestStorage } from '../support/store.js';

const NUMBER = phoneNumber('+14155552671');
const OTHER_NUMBER = phoneNumber('+14155552672');
const CONTEXT = { requestId: 'request' };
const SETTINGS = { EVENTS_URL: 'https://app.example.com/events', EVENTS_SECRET };

describe.each(DATABASES)('The outbox on %s', (_name, newStorage) => {
  let storage: TestStorage;
  let clock: FakeClock;
  let opened: OpenStore;

  beforeEach(async () => {
    storage = await newStorage();
    clock = new FakeClock();
    opened = await storage.open(clock, SETTINGS);
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await opened.close();
    await storage.removeData();
  });

  const reserveSend = async (pinId: string, number = NUMBER): Promise<SendReservation> => {
    const verification = newVerification(pinId, number, clock.now());
    const admission = await opened.store.reserveSend(verification);
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    return admission.reservation;
  };
  const confirm = (reservation: SendReservation) =>
    opened.store.confirmSend(
      reservation,
      { provider: 'infobip', pinId: 'provider-pin', possiblySentBy: [] },
      sendResponse(reservation.pinId),
    );
  const send = async (pinId: string, number = NUMBER) => confirm(await reserveSend(pinId, number));
  const reserveAttempt = (pinId: string) => grantAttempt(opened.store, pinId, { now: clock.now() });
  const complete = (checked: Attempt, result: 'verified' | 'wrong_code' | 'wrong_code_final') =>
    opened.store.completeAttempt(checked, result, clock.now());
  /** Claims the waiting events, which cannot be claimed again within a minute. */
  const claim = async () =>
    (await opened.outbox.claim(100)).map(({ pinId, type }) => [pinId, type]);

  it('holds no event of a verification whose last code is still being checked', async () => {
    await send('pin');
    const attempts = [];
    for (let i = 0; i < 5; i += 1) attempts.push(await reserveAttempt('pin'));
    const [last, ...others] = attempts;
    for (const checked of others) await complete(checked, 'wrong_code');
    expect(await claim()).toEqual([]);

    if (last) await complete(last, 'verified');

    expect(await claim()).toEqual([['pin', 'verification.verified']]);
  });

  /** Its status, and why it accepts no code. */
  async function readEnd(pinId: string) {
    const [client, now] = ['shop', clock.now()];
    const code = { selector: { pinId }, client, reference: undefined, codeLength: 6, now };
    const rejection = await opened.store.reserveAttempt(code);
    return { verification: await opened.store.find(pinId, client, now), rejection };
  }

  // This test fails without `expired` of `getStatusAt`.
  it('holds an event that agrees with the status, also after the expiry', async () => {
    await send('pin');
    for (let i = 0; i < 5; i += 1) await complete(await reserveAttempt('pin'), 'wrong_code');
    const exhausted = {
      verification: { status: 'exhausted' },
      rejection: { outcome: 'closed', reason: 'attempts_exhausted' },
    };
    expect(await readEnd('pin')).toMatchObject(exhausted);

    clock.advance(minutes(6));
    expect(await readEnd('pin')).toMatchObject(exhausted);
    await opened.outbox.addExpired();

    expect(await readEnd('pin')).toMatchObject(exhausted);
    expect(await claim()).toEqual([['pin', 'verification.exhausted']]);
  });

  // This test fails without `unresolved` of `getStatusAt`, and without `pending` of `releaseAttempt`.
  it('holds an event that agrees with the status if the check of the last code ends after a cancel', async () => {
    await send('pin');
    for (let i = 0; i < 4; i += 1) await complete(await reserveAttempt('pin'), 'wrong_code');
    const last = await reserveAttempt('pin');
    expect(await readEnd('pin')).toMatchObject({
      verification: { status: 'pending', attemptsRemaining: 0 },
      rejection: { outcome: 'closed', reason: 'attempts_exhausted' },
    });

    await opened.store.cancel('pin', 'shop', clock.now());
    await opened.store.releaseAttempt(last);

    expect(await readEnd('pin')).toMatchObject({ verification: { status: 'exhausted' } });
    expect(await claim()).toEqual([['pin', 'verification.exhausted']]);
  });

  // This test fails without `number_hash` of `eraseEvents` in verification-queries.ts.
  it('loses the events of an erased number, and of no other', async () => {
    await send('erased');
    await send('kept', OTHER_NUMBER);
    for (const pinId of ['erased', 'kept']) await complete(await reserveAttempt(pinId), 'verified');

    await opened.store.erase(NUMBER, 'shop');

    expect(await claim()).toEqual([['kept', 'verification.verified']]);
  });

  it('holds one event after a final wrong code, once no other check of the verification is running', async () => {
    await send('pin');
    const [released, rejected] = [await reserveAttempt('pin'), await reserveAttempt('pin')];
    await complete(rejected, 'wrong_code_final');
    expect(await claim()).toEqual([]);

    await opened.store.releaseAttempt(released);

    const [event] = await opened.outbox.claim(1);
    expect(event).toMatchObject({ pinId: 'pin', type: 'verification.exhausted' });
    expect(event && (await opened.outbox.readContent(event))).toMatchObject({ attempts: 1 });
  });

  it('holds an event of used-up attempts only at the expiry if the answer to the last check is lost', async () => {
    await send('pin');
    for (let i = 0; i < 4; i += 1) await complete(await reserveAttempt('pin'), 'wrong_code');
    await opened.lostAnswers.keepAttempt(await reserveAttempt('pin'), clock.now(), CONTEXT);
    expect(await claim()).toEqual([]);

    clock.advance(minutes(6));
    await opened.outbox.addExpired();

    expect(await claim()).toEqual([['pin', 'verification.exhausted']]);
  });

  it('holds one event if both a request and the recovery of a lost answer complete the verification', async () => {
    await send('pin');
    const [first, second] = [await reserveAttempt('pin'), await reserveAttempt('pin')];
    await opened.lostAnswers.keepAttempt(first, clock.now(), CONTEXT);
    await opened.lostAnswers.completeVerified(second, false, clock.now(), CONTEXT);
    await complete(second, 'verified');

    expect(await claim()).toEqual([['pin', 'verification.verified']]);
  });

  it('holds an event of the older of two sends, even if the newer one is confirmed first', async () => {
    const older = await reserveSend('older');
    clock.advance(seconds(30));
    const newer = await reserveSend('newer');
    await confirm(newer);
    await confirm(older);
    await confirm(older);

    expect(await claim()).toEqual([['older', 'verification.cancelled']]);
  });

  it('holds one event of a verification that is verified, cancelled and expired at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const pinId = `pin-${String(round)}`;
      await send(pinId, phoneNumber(`+141555526${String(10 + round)}`));
      const [first, second] = [await reserveAttempt(pinId), await reserveAttempt(pinId)];
      clock.advance(minutes(5) - 1);
      const verifiedAt = clock.now();
      // The clock then advances by more than the margin of the expiry, as if two replicas' clocks differed.
      const verify = (checked: Attempt) =>
        opened.store.completeAttempt(checked, 'verified', verifiedAt);
      clock.advance(seconds(11));
      const results: boolean[] = [];
      const changes = [
        async () => results.push((await verify(first)).verified),
        async () => results.push((await verify(second)).verified),
        () => opened.store.cancel(pinId, 'shop', verifiedAt),
        () => opened.outbox.addExpired(),
      ];
      // Each change comes first in some rounds.
      const [early, ...others] = [...changes.slice(round % 4), ...changes.slice(0, round % 4)];
      await Promise.all([early?.(), nextTurn().then(() => Promise.all(others.map((go) => go())))]);
      await opened.outbox.addExpired();

      const found = await opened.store.find(pinId, 'shop', clock.now());
      const status = found && 'status' in found ? found.status : 'none';
      const events = await opened.outbox.claim(10);
      expect(events.map(({ type }) => type)).toEqual([`verification.${status}`]);
      expect(results.filter(Boolean)).toHaveLength(status === 'verified' ? 1 : 0);
      await Promise.all(events.map((event) => opened.outbox.markSent(event)));
    }
  });

  it('holds one event for two hundred concurrent right codes', async () => {
    await send('pin');
    const checked = await reserveAttempt('pin');

    const results = await Promise.all(
      Array.from({ length: 200 }, () => complete(checked, 'verified')),
    );

    expect(results.filter(({ verified }) => verified)).toHaveLength(1);
    expect(await claim()).toEqual([['pin', 'verification.verified']]);
  });

  it('holds an event of the older of two verifications that were stored under different secrets', async () => {
    const [OLD, NEW] = ['the old master secret of this test', 'the new master secret of this test'];
    await opened.close();
    opened = await storage.open(clock, { ...SETTINGS, OTP_SECRET: OLD });
    await send('older');
    await opened.close();
    clock.advance(minutes(1));
    opened = await storage.open(clock, { ...SETTINGS, OTP_SECRET: NEW });
    await send('newer');
    await opened.close();

    opened = await storage.open(clock, { ...SETTINGS, OTP_SECRET: `${NEW},${OLD}` });
    await opened.store.getLastVerifiedAt(NUMBER, 'shop');

    expect(await claim()).toEqual([['older', 'verification.cancelled']]);
  });

  it.each([
    ['an event', 'less', hours(24), [['older', 'verification.expired']]],
    ['no event', 'more', hours(72), []],
  ])(
    'holds %s of a code that expired without EVENTS_URL, %s than 24 h before a newer send',
    async (_name, _less, passedMs, events) => {
      await opened.close();
      opened = await storage.open(clock, {});
      await send('older');
      await opened.close();
      clock.advance(passedMs);

      opened = await storage.open(clock, SETTINGS);
      await send('newer');

      expect(await claim()).toEqual(events);
    },
  );

  it('holds no event of a code that expired without EVENTS_URL, days before a send under a new secret', async () => {
    const [OLD, NEW] = ['the old master secret of this test', 'the new master secret of this test'];
    await opened.close();
    opened = await storage.open(clock, { OTP_SECRET: OLD });
    await send('older');
    await opened.close();
    clock.advance(hours(72));
    opened = await storage.open(clock, { ...SETTINGS, OTP_SECRET: NEW });
    await send('newer');
    await opened.close();

    opened = await storage.open(clock, { ...SETTINGS, OTP_SECRET: `${NEW},${OLD}` });
    await opened.store.getLastVerifiedAt(NUMBER, 'shop');

    expect(await claim()).toEqual([]);
  });

  it('gives each event to one replica, and again a minute after that replica was killed', async () => {
    const replica = await storage.open(clock, SETTINGS);
    for (let i = 10; i < 40; i += 1) {
      const pinId = `pin-${String(i)}`;
      await send(pinId, phoneNumber(`+141555526${String(i)}`));
      await opened.store.cancel(pinId, 'shop', clock.now());
    }

    for (let round = 0; round < 20; round += 1) {
      const claimed = await Promise.all(
        [opened, replica, opened, replica].map(({ outbox }) => outbox.claim(8)),
      );
      const rest = await replica.outbox.claim(100);
      const all = [...claimed.flat(), ...rest].map(({ eventId }) => eventId);
      expect(all).toHaveLength(30);
      expect(new Set(all).size).toBe(30);
      // No claimed event is marked as sent, as if all replicas were killed.
      clock.advance(minutes(1) - 1);
      expect(await replica.outbox.claim(100)).toEqual([]);
      clock.advance(1);
    }

    expect(await replica.outbox.claim(100)).toHaveLength(30);
    await replica.close();
  });

  it('is empty without EVENTS_URL, and its events are deleted with their verification', async () => {
    const withoutEvents = await storage.open(clock, {});
    await send('pin');
    await withoutEvents.store.cancel('pin', 'shop', clock.now());
    await withoutEvents.outbox.addExpired();
    expect(await claim()).toEqual([]);
    await withoutEvents.close();

    clock.advance(minutes(1));
    await send('second');
    await opened.store.cancel('second', 'shop', clock.now());
    clock.advance(minutes(60 * 24 * 30));
    // The cleanup logs the event.
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    await opened.runCleanup();

    expect(await claim()).toEqual([]);
  });

  // This test fails without `logUnsentEvents` in cleanup.service.ts.
  it('logs how many of the events that a cleanup deletes were never sent', async () => {
    for (const [pinId, number] of [
      ['sent', NUMBER],
      ['waiting', OTHER_NUMBER],
    ] as const) {
      await send(pinId, number);
      await opened.store.cancel(pinId, 'shop', clock.now());
      clock.advance(1);
    }
    const [first] = await opened.outbox.claim(1);
    if (first) await opened.outbox.markSent(first);
    const logError = jest.spyOn(Logger.prototype, 'error').mockImplementation();

    clock.advance(hours(24 * 30));
    await opened.runCleanup();

    expect(logError.mock.calls).toEqual([
      ['Events deleted after RETENTION that were never sent: 1.'],
    ]);
  });
});
