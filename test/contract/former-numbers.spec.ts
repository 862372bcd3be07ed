import { hours, minutes, seconds } from '../../src/common/durations.js';
import type { PhoneNumber } from '../../src/common/phone-number.js';
import type { Attempt } from '../../src/storage/attempt.types.js';
import { Database } from '../../src/storage/engines/database.js';
import type { TrafficEvaluator } from '../../src/storage/limit.types.js';
import type { VerificationSelector } from '../../src/storage/verification.types.js';
import { FakeClock } from '../support/fake-clock.js';
import { toFormerNumber } from '../support/former-number.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { DATABASES, type OpenStore, type TestStorage } from '../support/store.js';

const NUMBER = phoneNumber('+5491123456789');
/** The same phone, as earlier builds stored it: without the 9, and under that spelling. */
const FORMER_NUMBER = toFormerNumber('+541123456789');

// Each test fails without the merge of `rehashNumber` in verification-table.ts.
describe.each(DATABASES)(
  'A phone that an earlier build knew by another spelling (%s)',
  (_engine, newStorage) => {
    let storage: TestStorage;
    let clock: FakeClock;
    let opened: OpenStore;
    let created = 0;

    beforeEach(async () => {
      clock = new FakeClock();
      storage = await newStorage();
      opened = await storage.open(clock, {
        SENDS_PER_NUMBER_PER_DAY: '3',
        FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '4',
      });
    });

    afterEach(async () => {
      await opened.close();
      await storage.removeData();
    });

    const reserveSend = (number: PhoneNumber, client = 'shop', evaluate?: TrafficEvaluator) => {
      created += 1;
      const verification = newVerification(`pin-${String(created)}`, number, clock.now(), 'AR');
      return opened.store.reserveSend({ ...verification, client }, undefined, evaluate);
    };

    const advanceTo = (time: number) => {
      clock.advance(time - clock.now());
    };

    /** Sends a code, and lets the cooldown pass. */
    async function send(number: PhoneNumber, client = 'shop'): Promise<string> {
      const admission = await reserveSend(number, client);
      if (admission.outcome !== 'admitted') throw new Error(`not admitted: ${admission.outcome}`);
      const { reservation } = admission;
      const accepted = { provider: 'infobip', pinId: reservation.pinId, possiblySentBy: [] };
      await opened.store.confirmSend(reservation, accepted, sendResponse(reservation.pinId));
      clock.advance(seconds(30));
      return reservation.pinId;
    }

    const reserveAttempt = (selector: VerificationSelector, client = 'shop') =>
      opened.store.reserveAttempt({
        selector,
        client,
        reference: undefined,
        codeLength: 6,
        now: clock.now(),
      });

    async function grantAttempt(selector: VerificationSelector): Promise<Attempt> {
      const result = await reserveAttempt(selector);
      if (result.outcome !== 'granted') throw new Error(`not granted: ${result.outcome}`);
      return result.attempt;
    }

    const check = async (selector: VerificationSelector, result: 'verified' | 'wrong_code') =>
      opened.store.completeAttempt(await grantAttempt(selector), result, clock.now());

    const find = (pinId: string) => opened.store.find(pinId, 'shop', clock.now());
    const getLastVerifiedAt = (client = 'shop') => opened.store.getLastVerifiedAt(NUMBER, client);

    it('keeps its cooldown', async () => {
      await reserveSend(FORMER_NUMBER);

      expect(await reserveSend(NUMBER)).toMatchObject({ outcome: 'limited', limit: 'cooldown' });
    });

    // The order of the hashes, which differs between numbers, must not matter.
    it.each(['1123456789', '1123456780', '2234567890', '3514567890'])(
      'keeps its messages of the day, in the order of their times (%s)',
      async (digits) => {
        const [number, former] = [phoneNumber(`+549${digits}`), toFormerNumber(`+54${digits}`)];
        const start = clock.now();
        const limitedUntil = (until: number) => ({ limit: 'sends_per_day', until });
        await send(number);
        advanceTo(start + hours(1));
        // As a replica of the earlier build does.
        await send(former);
        advanceTo(start + hours(2));
        await send(number);
        expect(await reserveSend(number)).toMatchObject(limitedUntil(start + hours(24)));

        advanceTo(start + hours(24));
        await send(number);
        expect(await reserveSend(number)).toMatchObject(limitedUntil(start + hours(25)));
      },
    );

    it('has the messages of other clients counted for its shared limit', async () => {
      await send(FORMER_NUMBER, 'bank');
      await send(NUMBER);
      await send(NUMBER);

      expect(await reserveSend(NUMBER)).toMatchObject({ outcome: 'limited', limit: 'shared' });
    });

    it('keeps its wrong codes counted, whether a request has the number or the pinId', async () => {
      const pinId = await send(FORMER_NUMBER);
      await check({ pinId }, 'wrong_code');
      await check({ phoneNumber: NUMBER }, 'wrong_code');
      await check({ pinId }, 'wrong_code');
      await send(NUMBER);
      await check({ phoneNumber: NUMBER }, 'wrong_code');

      const fifth = await reserveAttempt({ phoneNumber: NUMBER });
      expect(fifth).toMatchObject({ outcome: 'limited', limit: 'failures' });
    });

    it('is verified by its number, although the message went to the other spelling', async () => {
      const pinId = await send(FORMER_NUMBER);
      const attempt = await grantAttempt({ phoneNumber: NUMBER });
      const verified = await opened.store.completeAttempt(attempt, 'verified', clock.now());

      expect(verified).toEqual({ verified: true });
      expect(attempt).toMatchObject({ pinId, phoneNumber: { e164: FORMER_NUMBER.e164 } });
      expect(await getLastVerifiedAt()).toBe(clock.now());
    });

    it('is trusted after a code that was checked while its rows were merged', async () => {
      const attempt = await grantAttempt({ pinId: await send(FORMER_NUMBER) });
      // Merges the rows.
      await getLastVerifiedAt();
      await opened.store.completeAttempt(attempt, 'verified', clock.now());
      let evaluations = 0;
      const evaluate = () => {
        evaluations += 1;
        return undefined;
      };

      expect(await reserveSend(NUMBER, 'shop', evaluate)).toMatchObject({ outcome: 'admitted' });
      expect(evaluations).toBe(0);
    });

    it('releases an attempt that was reserved before its rows were merged', async () => {
      const pinId = await send(FORMER_NUMBER);
      const attempt = await grantAttempt({ pinId });
      // Merges the rows.
      await getLastVerifiedAt();
      await opened.store.releaseAttempt(attempt);

      expect(await find(pinId)).toMatchObject({ attemptsRemaining: 5 });
    });

    it('has one code at a time', async () => {
      const [former, newer] = [await send(FORMER_NUMBER), await send(NUMBER)];

      expect(await find(former)).toMatchObject({ status: 'cancelled' });
      expect(await find(newer)).toMatchObject({ status: 'pending' });
      expect((await grantAttempt({ phoneNumber: NUMBER })).pinId).toBe(newer);
    });

    it('gets its code again at the number that got the code before, within its limits', async () => {
      await send(FORMER_NUMBER);
      const pinId = await send(FORMER_NUMBER);
      const reserveResend = () =>
        opened.store.reserveResend({ pinId, client: 'shop', channel: 'voice', now: clock.now() });

      expect(await reserveResend()).toMatchObject({
        reservation: { phoneNumber: { e164: FORMER_NUMBER.e164 } },
      });
      clock.advance(seconds(30));
      expect(await reserveResend()).toMatchObject({ outcome: 'limited', limit: 'sends_per_day' });
    });

    it('is verified only for the client that verified it', async () => {
      await check({ pinId: await send(FORMER_NUMBER) }, 'verified');
      const verifiedAt = clock.now();
      clock.advance(minutes(10));

      expect([await getLastVerifiedAt(), await getLastVerifiedAt('bank')]).toEqual([
        verifiedAt,
        undefined,
      ]);
    });

    it('is erased under both spellings, and keeps its limits', async () => {
      const pinIds = [await send(NUMBER), await send(FORMER_NUMBER), await send(NUMBER)];
      await send(FORMER_NUMBER, 'bank');
      await opened.store.erase(NUMBER, 'shop');

      expect(await Promise.all(pinIds.map(find))).toEqual([undefined, undefined, undefined]);
      expect(await getLastVerifiedAt()).toBeUndefined();
      expect(await reserveSend(NUMBER)).toMatchObject({ limit: 'sends_per_day' });
      expect(await reserveAttempt({ phoneNumber: NUMBER }, 'bank')).toMatchObject({
        outcome: 'granted',
      });
    });

    it('gets no more messages than its limits allow from concurrent requests', async () => {
      await send(FORMER_NUMBER);
      const sends = Array.from({ length: 20 }, () => reserveSend(NUMBER));
      const outcomes = (await Promise.all(sends)).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'admitted')).toHaveLength(1);

      clock.advance(seconds(30));
      await send(NUMBER);
      expect(await reserveSend(NUMBER)).toMatchObject({ limit: 'sends_per_day' });
    });

    it('has no more codes checked for concurrent requests than its limits allow', async () => {
      const pinId = await send(FORMER_NUMBER);
      const selectors = Array.from({ length: 20 }, (_, index) =>
        index % 2 === 0 ? { pinId } : { phoneNumber: NUMBER },
      );
      const attempts = await Promise.all(selectors.map((selector) => reserveAttempt(selector)));
      const outcomes = attempts.map(({ outcome }) => outcome);

      expect(outcomes.filter((outcome) => outcome === 'granted')).toHaveLength(4);
      expect(outcomes).not.toContain('not_found');
    });

    it('costs one batch of statements more, and other phones none', async () => {
      // The first send of a time bucket also reads the history of the traffic.
      await reserveSend(phoneNumber('+14155552672'));
      const run = jest.spyOn(Database.prototype, 'run');
      const countBatches = async (number: PhoneNumber) => {
        run.mockClear();
        await reserveSend(number);
        return run.mock.calls.length;
      };
      const counts = [await countBatches(phoneNumber('+14155552671')), await countBatches(NUMBER)];
      run.mockRestore();

      expect(counts).toEqual([1, 2]);
    });
  },
);
