import { DomainError } from '../../src/common/domain-error.js';
import { hours, minutes, seconds } from '../../src/common/durations.js';
import { PhoneNumber } from '../../src/common/phone-number.js';
import { createTrafficEvaluator } from '../../src/destinations/traffic-evaluator.js';
import type { BudgetScope } from '../../src/common/label-values.js';
import type {
  BudgetViolation,
  DestinationCounts,
  TrafficEvaluator,
} from '../../src/storage/limit.types.js';
import type { Attempt } from '../../src/storage/attempt.types.js';
import { Database } from '../../src/storage/engines/database.js';
import { POOL_SIZE } from '../../src/storage/engines/postgres.js';
import { StatementBatch } from '../../src/storage/engines/statement-batch.js';
import type { IdempotentRequest } from '../../src/storage/idempotency.types.js';
import type {
  NewVerification,
  SendAdmission,
  SendReservation,
} from '../../src/storage/send.types.js';
import type { VerificationStore } from '../../src/storage/verification-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification, NO_IDEMPOTENCY_KEY, sendResponse } from '../support/new-verification.js';
import { DATABASES, type OpenStore, type TestStorage } from '../support/store.js';

const DEFAULTS = {
  mode: 'enforce',
  floorPerHour: 10,
  floorPerDay: 30,
  unverifiedRatio: 0.8,
} as const;
/** Unverified messages to one prefix in an hour: the floor, and 25 for a burst. */
const PREFIX_LIMIT = 35;
/** What a client may send to a prefix whose budget other clients exceed: half, rounded down. */
const PREFIX_RESERVE = 17;
/** Unverified messages to one country in an hour: the floor, and 100 for a burst. */
const COUNTRY_LIMIT = 110;
const CONTEXT = { requestId: 'request' };

describe.each(DATABASES)('Destination traffic counted on %s', (engine, newStorage) => {
  const enforce = createTrafficEvaluator(DEFAULTS);
  let storage: TestStorage;
  let clock: FakeClock;
  let replicas: OpenStore[];
  let store: VerificationStore;
  let created: number;
  let recordedCounts: Readonly<Record<BudgetScope, DestinationCounts>>;

  /** Allows every send and records the counts it was given. */
  const allowAndRecord: TrafficEvaluator = (traffic) => {
    recordedCounts = traffic;
    return undefined;
  };

  /** Blocks every number but a trusted one: the store calls no evaluator for a trusted number. */
  const blockAll: TrafficEvaluator = () => ({
    scope: 'client_prefix',
    window: 'hour',
    includesRecent: false,
    unverified: 1,
    allowed: 0,
    verified: 0,
    enforced: true,
  });

  beforeEach(async () => {
    created = 0;
    replicas = [];
    clock = new FakeClock();
    storage = await newStorage();
    store = await openReplica();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    for (const replica of replicas) await replica.close();
    await storage.removeData();
  });

  async function reopen(settings: NodeJS.ProcessEnv = {}): Promise<void> {
    for (const replica of replicas.splice(0)) await replica.close();
    store = await openReplica(settings);
  }

  async function openReplica(settings: NodeJS.ProcessEnv = {}): Promise<VerificationStore> {
    const opened = await storage.open(clock, settings);
    replicas.push(opened);
    return opened.store;
  }

  /** A verification of `to`, or else of a new number of the same prefix. */
  function verification(changes: Partial<NewVerification> & { to?: string } = {}): NewVerification {
    const { to = `+1415555${String(created).padStart(4, '0')}`, ...others } = changes;
    created += 1;
    const phoneNumber = PhoneNumber.fromE164(to);
    const defaults = newVerification(`pin-${String(created)}`, phoneNumber, clock.now());
    return { ...defaults, ...others };
  }

  const send = (
    changes: Parameters<typeof verification>[0] = {},
    evaluator: TrafficEvaluator = enforce,
  ) => store.reserveSend(verification(changes), NO_IDEMPOTENCY_KEY, evaluator);

  const resend = (
    pinId: string,
    evaluator: TrafficEvaluator = enforce,
    idempotency?: IdempotentRequest,
  ) =>
    store.reserveResend(
      { pinId, client: 'shop', channel: 'sms', now: clock.now() },
      idempotency,
      evaluator,
    );

  function requireReservation(admission: {
    outcome: string;
    reservation?: SendReservation;
  }): SendReservation {
    if (!admission.reservation) throw new Error(`not admitted: ${admission.outcome}`);
    return admission.reservation;
  }

  /** Creates a verification whose message the provider has accepted. @returns its pinId */
  async function createPending(
    changes: Parameters<typeof verification>[0] = {},
    evaluator = allowAndRecord,
  ): Promise<string> {
    const reservation = requireReservation(await send(changes, evaluator));
    await store.confirmSend(
      reservation,
      { provider: 'test-provider', pinId: 'any', possiblySentBy: [] },
      sendResponse(reservation.pinId),
    );
    return reservation.pinId;
  }

  const attemptRequest = (pinId: string) => ({
    selector: { pinId },
    client: 'shop',
    reference: undefined,
    codeLength: 6,
    now: clock.now(),
  });

  /** Reserves an attempt, which must be granted. */
  async function grantAttempt(pinId: string): Promise<Attempt> {
    const result = await store.reserveAttempt(attemptRequest(pinId));
    if (result.outcome !== 'granted') throw new Error(result.outcome);
    return result.attempt;
  }

  const completeAttempt = (attempt: Attempt, checkResult: 'verified' | 'wrong_code') =>
    store.completeAttempt(attempt, checkResult, clock.now());

  async function verify(pinId: string): Promise<void> {
    expect(await completeAttempt(await grantAttempt(pinId), 'verified')).toEqual({
      verified: true,
    });
  }

  /** The counts that the next message would be evaluated by, without that message. */
  async function readCounts(scope: BudgetScope = 'prefix'): Promise<DestinationCounts> {
    const probe = requireReservation(
      await send({ to: `+14155559${String(created).padStart(3, '0')}` }, allowAndRecord),
    );
    await store.releaseSend(probe, []);
    const { recent, ...windows } = recordedCounts[scope];
    return { recent: { ...recent, sends: recent.sends - 1 }, ...windows };
  }

  const runConcurrently = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => work(index)));

  const countAdmitted = (results: readonly { outcome: string }[]) =>
    results.filter(({ outcome }) => outcome === 'admitted').length;

  // This test fails without `isOpen` of `addVerified` in traffic-queries.ts, and without `recordVerified`
  // before it.
  it('counts a verification as verified once when the provider confirms it to several concurrent requests', async () => {
    const pinIds = await runConcurrently(8, () => createPending());
    const attempts = await Promise.all([...pinIds, ...pinIds, ...pinIds].map(grantAttempt));

    const results = await Promise.all(attempts.map((one) => completeAttempt(one, 'verified')));

    expect(results.filter(({ verified }) => verified)).toHaveLength(pinIds.length);
    for (const scope of ['prefix', 'country'] as const) {
      expect((await readCounts(scope)).recent).toEqual({
        sends: pinIds.length,
        verified: pinIds.length,
      });
    }
  });

  // This test fails without `canBeClaimed` of `recordVerified` in number-limits.ts.
  it('does not trust a number for a right code that came after the expiry', async () => {
    const to = '+14155550199';
    const pinId = await createPending({ to });
    const attempt = await grantAttempt(pinId);
    clock.advance(minutes(5));
    expect(await completeAttempt(attempt, 'verified')).toMatchObject({ verified: false });

    expect((await send({ to }, blockAll)).outcome).toBe('suspended');
  });

  // This test fails without `lockClause` of `canBeClaimed` in predicates.ts, but only if requests overlap.
  it('does not count a right code whose verification was cancelled during the check', async () => {
    const numbers = Array.from({ length: 100 }, (_, i) => `+1415555${String(5_000 + i)}`);
    const pinIds = await Promise.all(numbers.map((to) => createPending({ to })));
    const attempts = await Promise.all(pinIds.map(grantAttempt));

    const [results] = await Promise.all([
      Promise.all(attempts.map((one) => completeAttempt(one, 'verified'))),
      Promise.all(pinIds.toReversed().map((pinId) => store.cancel(pinId, 'shop', clock.now()))),
    ]);

    const verified = results.filter((result) => result.verified).length;
    expect((await readCounts()).recent.verified).toBe(verified);
    clock.advance(seconds(30));
    const trusted = await Promise.all(numbers.map((to) => send({ to }, blockAll)));
    expect(countAdmitted(trusted)).toBe(verified);
  });

  // This test fails without `prefix_hash <> ''` of `upsert` in traffic-queries.ts, and without `addForClient`
  // in traffic-counts.ts.
  it('counts a trusted number for its client only', async () => {
    const destination = { country: 'US', prefix: '+1415555', isTrusted: true };
    const pinIds = await runConcurrently(4, () => createPending({ destination }, blockAll));
    await Promise.all(pinIds.slice(0, 2).map(verify));
    clock.advance(seconds(30));
    const failed = requireReservation(await send({ destination }, blockAll));
    await store.releaseSend(failed, []);
    const resent = requireReservation(await resend(pinIds[2] ?? '', blockAll));
    await store.releaseSend(resent, []);

    for (const scope of ['prefix', 'client_prefix', 'country', 'client_country'] as const) {
      expect((await readCounts(scope)).recent).toEqual({ sends: 0, verified: 0 });
    }
    await reopen({ CLIENT_SENDS_PER_DAY: '4' });
    expect(await send({ destination })).toMatchObject({ limit: 'client_sends' });
    await reopen({ CLIENT_SENDS_PER_DAY: '5' });
    expect((await send({ destination })).outcome).toBe('admitted');
  });

  // This test fails without `loadHistories` in send.repository.ts.
  it('reads the history of a country and client once per bucket for all sends', async () => {
    const add = jest.spyOn(StatementBatch.prototype, 'add');
    const countReads = (subject: string) =>
      add.mock.calls.filter(
        ([{ name }, values]) => name === 'traffic.readHistories' && values.includes(subject),
      ).length;
    const sendMany = () =>
      runConcurrently(20, (i) =>
        send({ to: `+1${String(415_000 + created)}0000`, client: i % 2 ? 'shop' : 'bank' }),
      );
    const old = [await sendMany(), verification({ to: '+14149990000' })] as const;
    clock.advance(minutes(5));
    const results = await sendMany();
    // A request that began in the bucket before.
    const late = await store.reserveSend(old[1], NO_IDEMPOTENCY_KEY, enforce);
    const next = await send({ to: '+14148880000' });

    expect(countAdmitted([...old[0], ...results, late, next])).toBe(42);
    expect(['country:US', 'client:shop', 'client:bank'].map(countReads)).toEqual([2, 2, 2]);
  });

  it('reads a history again after an error', async () => {
    const cause = new Error('any');
    const failure = new DomainError('storage_unavailable', {
      message: 'The database failed.',
      cause,
    });
    jest.spyOn(Database.prototype, 'run').mockRejectedValueOnce(failure);

    await expect(send()).rejects.toBe(failure);
    expect((await send()).outcome).toBe('admitted');
  });

  describe('a budget', () => {
    // This test fails without `addSend` before `read` in traffic-counts.ts, and without shard 0 of a prefix
    // in traffic-queries.ts.
    it('of a prefix is exact to the message under concurrent sends from two replicas', async () => {
      // Only one process can open a SQLite file.
      const other = engine === 'SQLite' ? store : await openReplica();

      for (let round = 0; round < 10; round += 1) {
        const destination = { country: `C${String(round)}`, prefix: `prefix ${String(round)}` };
        const results = await runConcurrently(60, (i) =>
          (i % 2 ? store : other).reserveSend(
            verification({ destination }),
            NO_IDEMPOTENCY_KEY,
            enforce,
          ),
        );

        expect(countAdmitted(results)).toBe(PREFIX_LIMIT);
        expect(
          results.every(({ outcome }) => outcome === 'admitted' || outcome === 'suspended'),
        ).toBe(true);
      }
    });

    it('of a country is exceeded at most by the sends in flight', async () => {
      const results = await runConcurrently(140, (i) =>
        send({ to: `+1${String(415_000 + i)}0000` }),
      );

      // The connections of a replica limit its concurrent sends.
      const most = engine === 'SQLite' ? COUNTRY_LIMIT : COUNTRY_LIMIT + POOL_SIZE;
      expect(countAdmitted(results)).toBeGreaterThanOrEqual(COUNTRY_LIMIT);
      expect(countAdmitted(results)).toBeLessThanOrEqual(most);
    });

    // This test fails without the reserve of `checkSharedBudget` in traffic-evaluator.ts, and without
    // `client_prefix` in traffic-subjects.ts.
    it('that another client exceeds leaves a client its reserve, and is exact for all clients', async () => {
      const others = await runConcurrently(60, () => send({ client: 'attacker' }));
      const own = await runConcurrently(30, () => send({ client: 'bank' }));

      expect([others, own].map(countAdmitted)).toEqual([PREFIX_LIMIT, PREFIX_RESERVE]);
      expect(others.find(({ outcome }) => outcome !== 'admitted')?.outcome).toBe('suspended');
      expect(own.find(({ outcome }) => outcome !== 'admitted')).toMatchObject({
        outcome: 'limited',
        limit: 'shared',
        cause: 'shared_destination',
        violation: { scope: 'prefix' },
      });
    });

    // This test fails without the client's rows of `upsert` in traffic-queries.ts.
    it('grows by the verified messages of the client, and by those of no other client', async () => {
      for (let i = 0; i < 10; i += 1) await verify(await createPending());
      await runConcurrently(60, () => send({ client: 'attacker' }));
      const [shop, bank] = await Promise.all(
        ['shop', 'bank'].map((client) => runConcurrently(40, () => send({ client }))),
      );

      // 80 % of the shop's ten verified messages.
      expect([shop, bank].map((results = []) => countAdmitted(results))).toEqual([
        PREFIX_RESERVE + 8,
        PREFIX_RESERVE,
      ]);
    });

    // This test fails without `readOldest` in traffic-queries.ts.
    it('returns when the oldest unverified message leaves the window, and the counts', async () => {
      await createPending();
      clock.advance(hours(2));
      await createPending({ to: '+12125550000' });
      clock.advance(minutes(10));
      await verify(await createPending());
      clock.advance(minutes(30));
      const first = clock.now();
      for (let i = 0; i < 20; i += 1) await createPending();
      clock.advance(minutes(5));
      for (let i = 0; i < 16; i += 1) await createPending();

      const phoneNumber = PhoneNumber.fromE164('+14155559999');
      expect(await send({ to: phoneNumber.e164 })).toMatchObject({
        outcome: 'suspended',
        until: first + minutes(65),
        violation: {
          scope: 'client_prefix',
          window: 'hour',
          includesRecent: true,
          unverified: 37,
          verified: 1,
        },
      });
    });

    // This test fails without `release` of `checkBudgets` in send-outcome.repository.ts.
    it('does not count a message that it blocks', async () => {
      for (let i = 0; i < PREFIX_LIMIT; i += 1) await send();
      const blocked = () => verification({ to: '+14155559999', endUserAddress: '192.0.2.1' });
      const idempotency = { key: 'key', request: 'x' };
      for (let i = 0; i < 2; i += 1) {
        expect((await store.reserveSend(blocked(), idempotency, enforce)).outcome).toBe(
          'suspended',
        );
      }

      expect((await readCounts()).recent.sends).toBe(PREFIX_LIMIT);
      expect((await store.reserveSend(blocked(), idempotency, allowAndRecord)).outcome).toBe(
        'admitted',
      );
    });

    it('in observe mode admits the send and returns the violation', async () => {
      const observe = createTrafficEvaluator({ ...DEFAULTS, mode: 'observe' });
      for (let i = 0; i < PREFIX_LIMIT; i += 1) await send({}, observe);

      expect(await send({}, observe)).toMatchObject({
        outcome: 'admitted',
        violation: { enforced: false, scope: 'client_prefix' } satisfies Partial<BudgetViolation>,
      });
    });

    // This test fails without `TRUSTED_NUMBER_MS` in send-limit-finder.ts, and without `recordVerified` in
    // number-limits.ts.
    it('does not block a number that was verified in the last 90 days', async () => {
      const [to, other] = ['+14155559999', '+14155559998'];
      await createPending({ to: other });
      await verify(await createPending({ to, client: 'shop' }));
      const flood = async () => {
        for (let i = 0; i < PREFIX_LIMIT + 10; i += 1) await send({}, allowAndRecord);
      };

      clock.advance(hours(24 * 90) - 1);
      for (const replica of replicas) await replica.runCleanup();
      await flood();
      expect((await send({ to })).outcome).toBe('admitted');
      expect((await send()).outcome).toBe('suspended');
      expect((await send({ to: other })).outcome).toBe('suspended');

      clock.advance(seconds(30));
      expect((await send({ to })).outcome).toBe('suspended');
    });

    it('blocks a number again after it was erased', async () => {
      const [to, other] = ['+14155559999', '+14155559998'];
      await verify(await createPending({ to }));
      await verify(await createPending({ to: other }));
      for (let i = 0; i < PREFIX_LIMIT + 10; i += 1) await send({}, allowAndRecord);
      await store.erase(PhoneNumber.fromE164(to), 'shop');
      clock.advance(seconds(30));

      expect((await send({ to: other })).outcome).toBe('admitted');
      expect((await send({ to })).outcome).toBe('suspended');
    });
  });

  describe('a message', () => {
    it('is counted for its prefix and its country', async () => {
      await send();
      await send({ to: '+12125550000' });
      await send({ to: '+41793026727', destination: { country: 'CH', prefix: '+4179302' } });

      expect((await readCounts('prefix')).recent).toEqual({ sends: 1, verified: 0 });
      expect((await readCounts('country')).recent).toEqual({ sends: 2, verified: 0 });
    });

    // This test fails without `markVerified` in attempt-outcome.repository.ts, `addResend` in
    // send-queries.ts, or the undo of a repeat in send.repository.ts.
    it('is counted as verified with its resends, in the time bucket of its verification', async () => {
      const pinId = await createPending();
      clock.advance(minutes(4));
      const idempotency = { key: 'once', request: 'POST /otp/resend' };
      await resend(pinId, allowAndRecord, idempotency);
      expect((await resend(pinId, allowAndRecord, idempotency)).outcome).toBe('running');
      expect((await readCounts()).recent).toEqual({ sends: 2, verified: 0 });
      await verify(pinId);

      expect((await readCounts()).recent).toEqual({ sends: 2, verified: 2 });
      clock.advance(minutes(6));
      expect(await readCounts()).toMatchObject({
        recent: { sends: 0, verified: 0 },
        hour: { sends: 2, verified: 2 },
      });
    });

    // This test fails without `MAX_VERIFIED_SENDS` in traffic-queries.ts, and in send-limits.ts.
    it('is counted as verified with one resend of its verification, and with no further one', async () => {
      const pinId = await createPending();
      const resends: SendReservation[] = [];
      for (let i = 0; i < 3; i += 1) {
        clock.advance(minutes(1));
        resends.push(requireReservation(await resend(pinId, allowAndRecord)));
      }
      await verify(pinId);
      expect((await readCounts()).recent).toEqual({ sends: 4, verified: 2 });

      const counted = [];
      for (const reservation of resends) {
        await store.releaseSend(reservation, []);
        counted.push((await readCounts()).recent);
      }
      expect(counted).toEqual([
        { sends: 3, verified: 2 },
        { sends: 2, verified: 2 },
        { sends: 1, verified: 1 },
      ]);
    });

    it('leaves the windows in turn: recent, hour, day, two weeks', async () => {
      const one = { sends: 1, verified: 0 };
      const none = { sends: 0, verified: 0 };
      await send();
      expect(await readCounts()).toEqual({ recent: one, hour: none, day: none, twoWeeks: none });
      clock.advance(minutes(10));
      expect(await readCounts()).toEqual({ recent: none, hour: one, day: one, twoWeeks: one });
      clock.advance(minutes(55) - 1);
      expect(await readCounts()).toMatchObject({ hour: one });
      clock.advance(1);
      expect(await readCounts()).toEqual({ recent: none, hour: none, day: one, twoWeeks: one });
      clock.advance(hours(23) - 1);
      expect(await readCounts()).toMatchObject({ day: one });
      clock.advance(1);
      expect(await readCounts()).toEqual({ recent: none, hour: none, day: none, twoWeeks: one });
      clock.advance(hours(13 * 24) - 1);
      expect(await readCounts()).toMatchObject({ twoWeeks: one });
      clock.advance(1);
      expect(await readCounts()).toEqual({ recent: none, hour: none, day: none, twoWeeks: none });
    });

    // This test fails without `ceil` of `getFirstRecentBucket` in time-buckets.ts.
    it('is recent until its code expires, across time buckets', async () => {
      await reopen({ OTP_TTL: '1m' });
      clock.advance(minutes(5) - 1);
      await send({ expiresAt: clock.now() + minutes(1) });
      clock.advance(1);

      expect((await readCounts()).recent.sends).toBe(1);
    });

    // This test fails without `release` in send-limits.ts.
    it('is not counted when it was certainly not sent, nor is a resend', async () => {
      await store.releaseSend(requireReservation(await send({}, allowAndRecord)), []);
      expect((await readCounts()).recent.sends).toBe(0);

      const pinId = await createPending();
      clock.advance(seconds(30));
      const again = requireReservation(await resend(pinId, allowAndRecord));
      await verify(pinId);
      await store.releaseSend(again, []);
      expect((await readCounts()).recent).toEqual({ sends: 1, verified: 1 });
    });

    // This test fails if `release` in send-limits.ts does not take `unclaimed` for verified.
    it('is not counted as verified if a resend was not sent and no request claimed the right code', async () => {
      const pinId = await createPending();
      const attempt = await grantAttempt(pinId);
      clock.advance(seconds(30));
      const again = requireReservation(await resend(pinId, allowAndRecord));
      await replicas[0]?.lostAnswers.completeVerified(attempt, false, clock.now(), CONTEXT);
      expect((await readCounts()).recent).toEqual({ sends: 2, verified: 2 });

      await store.releaseSend(again, []);

      expect((await readCounts()).recent).toEqual({ sends: 1, verified: 1 });
    });

    it('stays counted when it may have been sent', async () => {
      await store.releaseSend(requireReservation(await send({}, allowAndRecord)), [
        'test-provider',
      ]);

      expect((await readCounts()).recent.sends).toBe(1);
    });

    it('is evaluated at a resend, and not counted when it is blocked', async () => {
      const pinId = await createPending();
      for (let i = 1; i < PREFIX_LIMIT; i += 1) await send();
      clock.advance(seconds(30));
      expect((await resend(pinId)).outcome).toBe('suspended');
      await verify(pinId);

      expect((await readCounts()).recent).toEqual({ sends: PREFIX_LIMIT, verified: 1 });
    });

    it('stays counted over a restart', async () => {
      await send();
      await reopen();

      expect((await readCounts()).recent.sends).toBe(1);
    });

    it('is deleted after two weeks', async () => {
      for (let i = 0; i < 3; i += 1) await send({}, allowAndRecord);
      clock.advance(hours(14 * 24) + minutes(5));
      for (const replica of replicas) await replica.runCleanup();
      // Goes back to the time of the sends, when they would count if they were not deleted.
      clock = new FakeClock();
      await reopen();

      expect((await readCounts()).hour.sends + (await readCounts()).recent.sends).toBe(0);
    });
  });

  describe('a test number', () => {
    const testNumber = { to: '+15550001111', hasSendLimits: false };

    it('has neither sends nor resends limited or counted', async () => {
      const pinId = await createPending(testNumber);
      await createPending({ ...testNumber, client: 'bank' });
      expect((await resend(pinId)).outcome).toBe('admitted');
      await verify(pinId);

      const to = '+15550001112';
      expect((await send({ to }, allowAndRecord)).outcome).toBe('admitted');
      expect(recordedCounts.prefix.recent).toEqual({ sends: 1, verified: 0 });
    });

    it('has its wrong codes limited like any number', async () => {
      // The default of FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR is ten.
      for (let i = 0; i < 10; i += 1) {
        await completeAttempt(await grantAttempt(await createPending(testNumber)), 'wrong_code');
      }

      expect(
        await store.reserveAttempt(attemptRequest(await createPending(testNumber))),
      ).toMatchObject({
        limit: 'failures',
      });
    });
  });

  describe('a client', () => {
    const limited = (result: SendAdmission) => (result.outcome === 'limited' ? result : undefined);

    // This test fails without `sendsPerClientPerDay` in send-limit-finder.ts.
    it('may send CLIENT_SENDS_PER_DAY messages a day, resends included', async () => {
      await reopen({ CLIENT_SENDS_PER_DAY: '3' });
      const start = clock.now();
      const pinId = await createPending();
      clock.advance(minutes(3));
      await resend(pinId, allowAndRecord);
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

    // This test fails without end-user-limits.ts.
    it('gets SENDS_PER_END_USER_IP_PER_HOUR messages an hour from each client, resends included', async () => {
      await reopen({ SENDS_PER_END_USER_IP_PER_HOUR: '3' });
      const start = clock.now();
      const pinId = await createPending({ endUserAddress });
      clock.advance(seconds(30));
      const again = requireReservation(await resend(pinId, allowAndRecord));
      await send({ endUserAddress });
      expect((await send({ endUserAddress, client: 'bank' })).outcome).toBe('admitted');
      expect(await send({ endUserAddress })).toEqual({
        outcome: 'limited',
        limit: 'end_user_sends',
        country: 'US',
        until: start + hours(1),
      });
      expect((await send({ endUserAddress: '192.0.2.2' })).outcome).toBe('admitted');

      await store.releaseSend(again, []);
      expect((await send({ endUserAddress })).outcome).toBe('admitted');
      expect((await send({ endUserAddress })).outcome).toBe('limited');
      clock.advance(hours(1) - seconds(30));
      for (const replica of replicas) await replica.runCleanup();
      expect((await send({ endUserAddress })).outcome).toBe('admitted');
    });

    // This test fails without `isNewestSend` of `insert` in send-queries.ts, and without
    // `isNewestEndUserSend` of `releaseRejected` in number-limits.ts.
    it('over the limit uses nothing of the limits of the number and its prefix', async () => {
      await reopen({ SENDS_PER_END_USER_IP_PER_HOUR: '1' });
      await createPending({ endUserAddress });
      const to = '+14155559999';
      const idempotency = { key: 'key', request: 'x' };
      for (let i = 0; i < 2; i += 1) {
        const blocked = verification({ to, endUserAddress });
        expect(await store.reserveSend(blocked, idempotency, allowAndRecord)).toMatchObject({
          limit: 'end_user_sends',
        });
      }

      expect((await readCounts()).recent.sends).toBe(1);
      expect((await send({ to })).outcome).toBe('admitted');
    });

    // This test fails without `isNewestSend` of `reserve` in end-user-limits.ts.
    it('is not charged for a send that the limits of its number reject', async () => {
      await reopen({ SENDS_PER_END_USER_IP_PER_HOUR: '2' });
      const to = '+14155559999';
      await createPending({ to, endUserAddress });
      expect(await send({ to, endUserAddress })).toMatchObject({ limit: 'cooldown' });

      expect((await send({ endUserAddress })).outcome).toBe('admitted');
    });

    // This test fails without `isWithinEndUserLimit` of `reserve` in send-limits.ts.
    it('gets no resend once over the limit', async () => {
      await reopen({ SENDS_PER_END_USER_IP_PER_HOUR: '1' });
      const pinId = await createPending({ endUserAddress });
      clock.advance(seconds(30));

      expect(await resend(pinId, allowAndRecord)).toMatchObject({ limit: 'end_user_sends' });
      expect((await readCounts()).recent.sends).toBe(1);
    });

    it('is limited exactly under concurrent sends', async () => {
      const results = await runConcurrently(60, () => send({ endUserAddress }, allowAndRecord));

      // The default of SENDS_PER_END_USER_IP_PER_HOUR.
      expect(countAdmitted(results)).toBe(20);
    });
  });
});
