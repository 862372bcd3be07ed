import { hours, minutes, seconds } from '../../src/common/durations.js';
import { PhoneNumber } from '../../src/common/phone-number.js';
import { createTrafficEvaluator } from '../../src/destinations/traffic-evaluator.js';
import type {
  BudgetScope,
  BudgetViolation,
  DestinationCounts,
  TrafficEvaluator,
} from '../../src/storage/limit.types.js';
import type { Attempt } from '../../src/storage/attempt.types.js';
import type { IdempotentRequest } from '../../src/storage/idempotency.types.js';
import type {
  NewVerification,
  SendAdmission,
  SendReservation,
} from '../../src/storage/send.types.js';
import type { VerificationStore } from '../../src/storage/verification-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification } from '../support/new-verification.js';
import { DATABASES, type OpenStore, type TestStorage } from '../support/store.js';

const DEFAULTS = {
  mode: 'enforce',
  floorPerHour: 10,
  floorPerDay: 30,
  unverifiedRatio: 0.8,
} as const;
const PREFIX_LIMIT = 35;
const COUNTRY_LIMIT = 110;
/** Connections of one replica: as many sends can be under way in its database. */
const POOL_SIZE = 20;

/** Where each promise is kept is named beside it; with that line broken the test fails. */
describe.each(DATABASES)('Traffic counted on %s', (engine, newStorage) => {
  const enforcing = createTrafficEvaluator(DEFAULTS);
  let place: TestStorage;
  let clock: FakeClock;
  let open: OpenStore[];
  let store: VerificationStore;
  let made: number;
  let seen: Readonly<Record<BudgetScope, DestinationCounts>>;

  /** Lets everything pass and keeps what it was shown. */
  const watching: TrafficEvaluator = (traffic) => {
    seen = traffic;
    return undefined;
  };

  const refusing: TrafficEvaluator = () => ({
    scope: 'prefix',
    window: 'hour',
    includesRecent: false,
    unverified: 1,
    allowed: 0,
    verified: 0,
    enforced: true,
  });

  beforeEach(async () => {
    made = 0;
    open = [];
    clock = new FakeClock();
    place = await newStorage();
    store = await another();
  });

  afterEach(async () => {
    for (const each of open) await each.close();
    await place.remove();
  });

  async function reopen(settings: NodeJS.ProcessEnv = {}): Promise<void> {
    for (const each of open.splice(0)) await each.close();
    store = await another(settings);
  }

  async function another(settings: NodeJS.ProcessEnv = {}): Promise<VerificationStore> {
    const opened = await place.open(clock, settings);
    open.push(opened);
    return opened.store;
  }

  /** To a number that had no text yet, of the same prefix unless another number is given. */
  function verification(changes: Partial<NewVerification> & { to?: string } = {}): NewVerification {
    const { to = `+1415555${String(made).padStart(4, '0')}`, ...others } = changes;
    made += 1;
    const phoneNumber = PhoneNumber.fromE164(to);
    const usual = newVerification(`pin-${String(made)}`, phoneNumber, clock.now());
    return { ...usual, ...others };
  }

  const send = (
    changes: Parameters<typeof verification>[0] = {},
    judge: TrafficEvaluator = enforcing,
  ) => store.reserveSend(verification(changes), undefined, judge);

  const resend = (pinId: string, judge: TrafficEvaluator = enforcing, keyed?: IdempotentRequest) =>
    store.reserveResend({ pinId, client: 'shop', channel: 'sms', now: clock.now() }, keyed, judge);

  function reservationOf(admission: {
    outcome: string;
    reservation?: SendReservation;
  }): SendReservation {
    if (!admission.reservation) throw new Error(`not admitted: ${admission.outcome}`);
    return admission.reservation;
  }

  /** A verification that the provider has taken. */
  async function pending(
    changes: Parameters<typeof verification>[0] = {},
    judge = watching,
  ): Promise<string> {
    const reservation = reservationOf(await send(changes, judge));
    await store.confirmSend(
      reservation,
      { provider: 'vendor', pinId: 'any', possiblySentBy: [] },
      {},
    );
    return reservation.pinId;
  }

  const askedOf = (pinId: string) => ({
    selector: { pinId },
    client: 'shop',
    reference: undefined,
    now: clock.now(),
  });

  async function attempt(pinId: string): Promise<Attempt> {
    const leave = await store.reserveAttempt(askedOf(pinId));
    if (leave.outcome !== 'granted') throw new Error(leave.outcome);
    return leave.attempt;
  }

  const settle = (taken: Attempt, verdict: 'verified' | 'wrong_code') =>
    store.completeAttempt(taken, verdict, clock.now());

  async function verify(pinId: string): Promise<void> {
    expect(await settle(await attempt(pinId), 'verified')).toEqual({ verified: true });
  }

  /** What another text of this prefix would be judged by, less that text. */
  async function counted(scope: BudgetScope = 'prefix'): Promise<DestinationCounts> {
    const probe = reservationOf(
      await send({ to: `+14155559${String(made).padStart(3, '0')}` }, watching),
    );
    await store.releaseSend(probe, []);
    const { recent, ...windows } = seen[scope];
    return { recent: { ...recent, sends: recent.sends - 1 }, ...windows };
  }

  const times = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => work(index)));

  const admitted = (answers: readonly { outcome: string }[]) =>
    answers.filter(({ outcome }) => outcome === 'admitted').length;

  // traffic-queries.ts, verified, and number-limits.ts, verified: each asks whether the gate is open
  it('counts a verification as verified once, however many judgements say yes at once', async () => {
    const pinIds = await times(8, () => pending());
    const attempts = await Promise.all([...pinIds, ...pinIds, ...pinIds].map(attempt));

    const answers = await Promise.all(attempts.map((taken) => settle(taken, 'verified')));

    expect(answers.filter(({ verified }) => verified)).toHaveLength(pinIds.length);
    for (const scope of ['prefix', 'country'] as const) {
      expect((await counted(scope)).recent).toEqual({
        sends: pinIds.length,
        verified: pinIds.length,
      });
    }
  });

  // number-limits.ts, verified: the number is known by a code that verified, not by one that came late
  it('takes nobody to be known by a right code that came too late', async () => {
    const to = '+14155550199';
    const pinId = await pending({ to });
    const taken = await attempt(pinId);
    clock.advance(minutes(5));
    expect(await settle(taken, 'verified')).toMatchObject({ verified: false });

    expect((await send({ to }, refusing)).outcome).toBe('suspended');
  });

  // predicates.ts, canBeVerified: `lockClause`; overlapping is what counts here
  it('counts nothing for a right code whose verification is cancelled meanwhile', async () => {
    const numbers = Array.from({ length: 100 }, (_, i) => `+1415555${String(5_000 + i)}`);
    const pinIds = await Promise.all(numbers.map((to) => pending({ to })));
    const attempts = await Promise.all(pinIds.map(attempt));

    const [answers] = await Promise.all([
      Promise.all(attempts.map((taken) => settle(taken, 'verified'))),
      Promise.all(pinIds.toReversed().map((pinId) => store.cancel(pinId, 'shop', clock.now()))),
    ]);

    const verified = answers.filter((answer) => answer.verified).length;
    expect((await counted()).recent.verified).toBe(verified);
    clock.advance(seconds(30));
    const known = await Promise.all(numbers.map((to) => send({ to }, refusing)));
    expect(admitted(known)).toBe(verified);
  });

  describe('a budget', () => {
    // traffic-counts.ts, addText: `texted` before `read`; traffic-queries.ts, shard 0 of a prefix
    it('of a prefix holds to the text, however many sends of two replicas race', async () => {
      // A SQLite file has one process.
      const other = engine === 'SQLite' ? store : await another();

      for (let round = 0; round < 10; round += 1) {
        const destination = { country: `C${String(round)}`, prefix: `prefix ${String(round)}` };
        const answers = await times(60, (i) =>
          (i % 2 ? store : other).reserveSend(verification({ destination }), undefined, enforcing),
        );

        expect(admitted(answers)).toBe(PREFIX_LIMIT);
        expect(
          answers.every(({ outcome }) => outcome === 'admitted' || outcome === 'suspended'),
        ).toBe(true);
      }
    });

    it('of a country holds but for what is in flight', async () => {
      const answers = await times(140, (i) => send({ to: `+1${String(415_000 + i)}0000` }));

      const most = engine === 'SQLite' ? COUNTRY_LIMIT : COUNTRY_LIMIT + POOL_SIZE;
      expect(admitted(answers)).toBeGreaterThanOrEqual(COUNTRY_LIMIT);
      expect(admitted(answers)).toBeLessThanOrEqual(most);
    });

    // traffic-queries.ts, oldest
    it('tells when the oldest unverified text is forgotten, and by which counts', async () => {
      await pending();
      clock.advance(hours(2));
      await pending({ to: '+12125550000' });
      clock.advance(minutes(10));
      await verify(await pending());
      clock.advance(minutes(30));
      const first = clock.now();
      for (let i = 0; i < 20; i += 1) await pending();
      clock.advance(minutes(5));
      for (let i = 0; i < 16; i += 1) await pending();

      const phoneNumber = PhoneNumber.fromE164('+14155559999');
      expect(await send({ to: phoneNumber.e164 })).toMatchObject({
        outcome: 'suspended',
        until: first + minutes(65),
        violation: {
          scope: 'prefix',
          window: 'hour',
          includesRecent: true,
          unverified: 37,
          verified: 1,
        },
      });
    });

    // send.repository.ts, checkBudgets: `release`
    it('takes nothing for a text that it refuses', async () => {
      for (let i = 0; i < PREFIX_LIMIT; i += 1) await send();
      const refused = () => verification({ to: '+14155559999', endUserAddress: '192.0.2.1' });
      const keyed = { key: 'key', request: 'x' };
      for (let i = 0; i < 2; i += 1) {
        expect((await store.reserveSend(refused(), keyed, enforcing)).outcome).toBe('suspended');
      }

      expect((await counted()).recent.sends).toBe(PREFIX_LIMIT);
      expect((await store.reserveSend(refused(), keyed, watching)).outcome).toBe('admitted');
    });

    it('that is not enforced lets the text go, and says so', async () => {
      const observing = createTrafficEvaluator({ ...DEFAULTS, mode: 'observe' });
      for (let i = 0; i < PREFIX_LIMIT; i += 1) await send({}, observing);

      expect(await send({}, observing)).toMatchObject({
        outcome: 'admitted',
        violation: { enforced: false, scope: 'prefix' } satisfies Partial<BudgetViolation>,
      });
    });

    // send-limits.ts, TRUSTED_NUMBER_MS; number-limits.ts, `recordVerified`
    it('does not stop a number that somebody verified in the last 90 days', async () => {
      const [to, other] = ['+14155559999', '+14155559998'];
      await pending({ to: other });
      await verify(await pending({ to, client: 'shop' }));
      const flood = async () => {
        for (let i = 0; i < 45; i += 1) await send({}, watching);
      };

      clock.advance(hours(24 * 90) - 1);
      for (const each of open) await each.runCleanup();
      await flood();
      expect((await send({ to })).outcome).toBe('admitted');
      expect((await send()).outcome).toBe('suspended');
      expect((await send({ to: other })).outcome).toBe('suspended');

      clock.advance(seconds(30));
      expect((await send({ to })).outcome).toBe('suspended');
    });

    it('stops a number again that was erased', async () => {
      const [to, other] = ['+14155559999', '+14155559998'];
      await verify(await pending({ to }));
      await verify(await pending({ to: other }));
      for (let i = 0; i < 45; i += 1) await send({}, watching);
      await store.erase(PhoneNumber.fromE164(to), 'shop');
      clock.advance(seconds(30));

      expect((await send({ to: other })).outcome).toBe('admitted');
      expect((await send({ to })).outcome).toBe('suspended');
    });
  });

  describe('a text', () => {
    it('is counted by its prefix and its country', async () => {
      await send();
      await send({ to: '+12125550000' });
      await send({ to: '+41793026727', destination: { country: 'CH', prefix: '+4179302' } });

      expect((await counted('prefix')).recent).toEqual({ sends: 1, verified: 0 });
      expect((await counted('country')).recent).toEqual({ sends: 2, verified: 0 });
    });

    // attempt.repository.ts, complete; send-queries.ts, addResend; send.repository.ts: a repeat is undone
    it('is verified with its resends, in the slot of its verification', async () => {
      const pinId = await pending();
      clock.advance(minutes(4));
      const keyed = { key: 'once', request: 'POST /otp/resend' };
      await resend(pinId, watching, keyed);
      expect((await resend(pinId, watching, keyed)).outcome).toBe('running');
      expect((await counted()).recent).toEqual({ sends: 2, verified: 0 });
      await verify(pinId);

      expect((await counted()).recent).toEqual({ sends: 2, verified: 2 });
      clock.advance(minutes(6));
      expect(await counted()).toMatchObject({
        recent: { sends: 0, verified: 0 },
        hour: { sends: 2, verified: 2 },
      });
    });

    it('ages: recent, of the hour, of the day, of two weeks, forgotten', async () => {
      const one = { sends: 1, verified: 0 };
      const none = { sends: 0, verified: 0 };
      await send();
      expect(await counted()).toEqual({ recent: one, hour: none, day: none, twoWeeks: none });
      clock.advance(minutes(10));
      expect(await counted()).toEqual({ recent: none, hour: one, day: one, twoWeeks: one });
      clock.advance(minutes(55) - 1);
      expect(await counted()).toMatchObject({ hour: one });
      clock.advance(1);
      expect(await counted()).toEqual({ recent: none, hour: none, day: one, twoWeeks: one });
      clock.advance(hours(23) - 1);
      expect(await counted()).toMatchObject({ day: one });
      clock.advance(1);
      expect(await counted()).toEqual({ recent: none, hour: none, day: none, twoWeeks: one });
      clock.advance(hours(13 * 24) - 1);
      expect(await counted()).toMatchObject({ twoWeeks: one });
      clock.advance(1);
      expect(await counted()).toEqual({ recent: none, hour: none, day: none, twoWeeks: none });
    });

    // time-buckets.ts, firstRecentBucket: `ceil`
    it('is recent for as long as its code may be typed, whichever bucket that is in', async () => {
      await reopen({ OTP_TTL: '1m' });
      clock.advance(minutes(5) - 1);
      await send({ expiresAt: clock.now() + minutes(1) });
      clock.advance(1);

      expect((await counted()).recent.sends).toBe(1);
    });

    // send-limits.ts, release
    it('that certainly never left is not counted, a resend neither', async () => {
      await store.releaseSend(reservationOf(await send({}, watching)), []);
      expect((await counted()).recent.sends).toBe(0);

      const pinId = await pending();
      clock.advance(seconds(30));
      const again = reservationOf(await resend(pinId, watching));
      await verify(pinId);
      await store.releaseSend(again, []);
      expect((await counted()).recent).toEqual({ sends: 1, verified: 1 });
    });

    it('that may have left stays counted', async () => {
      await store.releaseSend(reservationOf(await send({}, watching)), ['vendor']);

      expect((await counted()).recent.sends).toBe(1);
    });

    it('that is resent is judged, and nothing is taken if it is refused', async () => {
      const pinId = await pending();
      for (let i = 1; i < PREFIX_LIMIT; i += 1) await send();
      clock.advance(seconds(30));
      expect((await resend(pinId)).outcome).toBe('suspended');
      await verify(pinId);

      expect((await counted()).recent).toEqual({ sends: PREFIX_LIMIT, verified: 1 });
    });

    it('stays counted over a restart', async () => {
      await send();
      await reopen();

      expect((await counted()).recent.sends).toBe(1);
    });

    it('is forgotten after two weeks, in batches', async () => {
      for (let i = 0; i < 3; i += 1) await send({}, watching);
      clock.advance(hours(14 * 24) + minutes(5));
      for (const each of open) await each.runCleanup();
      clock.advance(-hours(14 * 24));

      expect((await counted()).hour.sends + (await counted()).recent.sends).toBe(0);
    });
  });

  describe('to a test number', () => {
    const test = { to: '+15550001111', limited: false };

    it('no text is limited or counted, resends neither', async () => {
      const pinId = await pending(test);
      await pending({ ...test, client: 'bank' });
      expect((await resend(pinId)).outcome).toBe('admitted');
      await verify(pinId);

      const to = '+15550001112';
      expect((await send({ to }, watching)).outcome).toBe('admitted');
      expect(seen.prefix.recent).toEqual({ sends: 1, verified: 0 });
    });

    it('wrong codes are limited all the same', async () => {
      for (let i = 0; i < 10; i += 1) {
        await settle(await attempt(await pending(test)), 'wrong_code');
      }

      expect(await store.reserveAttempt(askedOf(await pending(test)))).toMatchObject({
        limit: 'failures',
      });
    });
  });

  describe('a client', () => {
    const limited = (answer: SendAdmission) => (answer.outcome === 'limited' ? answer : undefined);

    // send-limits.ts, clientSendsPerDay
    it('has as many texts in a day as it may, resends among them', async () => {
      await reopen({ CLIENT_SENDS_PER_DAY: '3' });
      const start = clock.now();
      const pinId = await pending();
      clock.advance(minutes(3));
      await resend(pinId, watching);
      await verify(pinId);
      clock.advance(minutes(5));
      expect((await send()).outcome).toBe('admitted');
      const until = start + hours(24) + minutes(5);
      expect(limited(await send())).toMatchObject({ limit: 'client_sends', until });
      expect((await send({ client: 'bank' })).outcome).toBe('admitted');

      clock.advance(until - 1 - clock.now());
      expect(limited(await send())).toMatchObject({ limit: 'client_sends', until });
      clock.advance(1);
      expect((await send()).outcome).toBe('admitted');
    });
  });

  describe('an end user', () => {
    const endUserAddress = '192.0.2.1';

    // end-user-limits.ts
    it('has as many texts in an hour as it may, over clients, resends among them', async () => {
      await reopen({ SENDS_PER_END_USER_IP_PER_HOUR: '3' });
      const start = clock.now();
      const pinId = await pending({ endUserAddress });
      clock.advance(seconds(30));
      const again = reservationOf(await resend(pinId, watching));
      await send({ endUserAddress, client: 'bank' });
      expect(await send({ endUserAddress })).toEqual({
        outcome: 'limited',
        limit: 'end_user_sends',
        until: start + hours(1),
      });
      expect((await send({ endUserAddress: '192.0.2.2' })).outcome).toBe('admitted');

      await store.releaseSend(again, []);
      expect((await send({ endUserAddress })).outcome).toBe('admitted');
      expect((await send({ endUserAddress })).outcome).toBe('limited');
      clock.advance(hours(1) - seconds(30));
      for (const each of open) await each.runCleanup();
      expect((await send({ endUserAddress })).outcome).toBe('admitted');
    });

    // sliding-window.ts, sendIsCounted in `insert` and endUserSendIsCounted in `releaseRejected`
    it('that may have no more takes nothing from the number or its prefix', async () => {
      await reopen({ SENDS_PER_END_USER_IP_PER_HOUR: '1' });
      await pending({ endUserAddress });
      const to = '+14155559999';
      const keyed = { key: 'key', request: 'x' };
      for (let i = 0; i < 2; i += 1) {
        const refused = verification({ to, endUserAddress });
        expect(await store.reserveSend(refused, keyed, watching)).toMatchObject({
          limit: 'end_user_sends',
        });
      }

      expect((await counted()).recent.sends).toBe(1);
      expect((await send({ to })).outcome).toBe('admitted');
    });

    // end-user-limits.ts, reserve: sendIsCounted
    it('loses no text by one that its number may not have', async () => {
      await reopen({ SENDS_PER_END_USER_IP_PER_HOUR: '2' });
      const to = '+14155559999';
      await pending({ to, endUserAddress });
      expect(await send({ to, endUserAddress })).toMatchObject({ limit: 'cooldown' });

      expect((await send({ endUserAddress })).outcome).toBe('admitted');
    });

    // send-limits.ts, reserve: `allowed`
    it('has no code sent again once it may have no more', async () => {
      await reopen({ SENDS_PER_END_USER_IP_PER_HOUR: '1' });
      const pinId = await pending({ endUserAddress });
      clock.advance(seconds(30));

      expect(await resend(pinId, watching)).toMatchObject({ limit: 'end_user_sends' });
      expect((await counted()).recent.sends).toBe(1);
    });

    it('has no more of them by racing', async () => {
      const answers = await times(60, () => send({ endUserAddress }, watching));

      expect(admitted(answers)).toBe(20);
    });
  });
});
