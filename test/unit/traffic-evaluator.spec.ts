import { createTrafficEvaluator } from '../../src/destinations/traffic-evaluator.js';
import type { DestinationCounts, SendCounts } from '../../src/storage/limit.types.js';
import { createSharedBudgetEvaluator } from '../support/pumping/shared-budget-evaluator.js';
import { SeededRandom } from '../support/seeded-random.js';

const SETTINGS = {
  mode: 'enforce',
  floorPerHour: 10,
  floorPerDay: 30,
  unverifiedRatio: 0.5,
} as const;
const evaluate = createTrafficEvaluator(SETTINGS);

const NO_SENDS: SendCounts = { sends: 0, verified: 0 };
const NO_TRAFFIC: DestinationCounts = {
  recent: NO_SENDS,
  hour: NO_SENDS,
  day: NO_SENDS,
  twoWeeks: NO_SENDS,
};

/** Counts with these numbers of verified and unverified messages. */
const counts = (verified: number, unverified: number): SendCounts => ({
  sends: verified + unverified,
  verified,
});

/** Evaluates the counts of a sole client. */
const evaluateSole = (prefix: DestinationCounts, country: DestinationCounts) =>
  evaluate({ client_prefix: prefix, prefix, client_country: country, country });

const evaluatePrefix = (prefix: Partial<DestinationCounts>) =>
  evaluateSole({ ...NO_TRAFFIC, ...prefix }, NO_TRAFFIC);
/** One message, too few for a prefix to be trusted. */
const ONE_MESSAGE: DestinationCounts = { ...NO_TRAFFIC, recent: counts(0, 1) };
const evaluateCountry = (country: Partial<DestinationCounts>) =>
  evaluateSole(ONE_MESSAGE, { ...NO_TRAFFIC, ...country });

/** Random counts, of which the hour is part of the day and the day of two weeks. */
function createCounts(random: SeededRandom): DestinationCounts {
  const scale = random.between(1, 120);
  const next = () => counts(random.between(0, scale), random.between(0, scale));
  const add = (one: SendCounts, other: SendCounts): SendCounts => ({
    sends: one.sends + other.sends,
    verified: one.verified + other.verified,
  });
  const hour = next();
  const day = add(hour, next());
  return { recent: next(), hour, day, twoWeeks: add(day, next()) };
}

describe('TrafficEvaluator', () => {
  it('decides for a sole client as if all messages were counted together', () => {
    const evaluateShared = createSharedBudgetEvaluator(SETTINGS);
    const random = new SeededRandom('sole client');
    const decisions = { allowed: 0, blocked: 0 };

    for (let i = 0; i < 5_000; i += 1) {
      const [prefix, country] = [createCounts(random), createCounts(random)];
      const expected = evaluateShared({ prefix, country });
      const scope = expected && `client_${expected.scope}`;
      expect(evaluateSole(prefix, country)).toEqual(expected && { ...expected, scope });
      decisions[expected ? 'blocked' : 'allowed'] += 1;
    }

    expect(Math.min(decisions.allowed, decisions.blocked)).toBeGreaterThan(500);
  });

  // These tests fail without the reserve of `checkSharedBudget` in traffic-evaluator.ts.
  it.each(['prefix', 'country'] as const)(
    'allows a client its reserve of a %s whose budget other clients exceed',
    (destination) => {
      const attacked = { ...NO_TRAFFIC, hour: counts(0, 1_000), day: counts(0, 1_000) };
      const evaluateOwn = (own: Partial<DestinationCounts>) =>
        evaluate({
          client_prefix: ONE_MESSAGE,
          prefix: ONE_MESSAGE,
          client_country: NO_TRAFFIC,
          country: NO_TRAFFIC,
          [destination]: attacked,
          [`client_${destination}`]: { ...NO_TRAFFIC, ...own },
        });

      expect(evaluateOwn({ recent: counts(0, 1) })).toBeUndefined();
      // The reserve is half of the floor; half of the client's verified messages add to it.
      expect(evaluateOwn({ hour: counts(100, 55), day: counts(100, 55) })).toBeUndefined();
      expect(evaluateOwn({ hour: counts(100, 56), day: counts(100, 56) })).toMatchObject({
        scope: destination,
        window: 'hour',
        unverified: 1_000,
      });
      // Over 60, the floor and half of the verified messages, the client's own budget is exceeded.
      expect(evaluateOwn({ hour: counts(100, 61), day: counts(100, 61) })).toMatchObject({
        scope: `client_${destination}`,
        unverified: 61,
      });
    },
  );

  // This test fails without `checkOwnBudget` of the client in traffic-evaluator.ts.
  it('blocks a client over its own budget, however much other clients verify', () => {
    const healthy = { ...NO_TRAFFIC, hour: counts(10_000, 100), day: counts(10_000, 100) };
    const own = { ...NO_TRAFFIC, hour: counts(0, 11), day: counts(0, 11) };
    const traffic = { client_prefix: ONE_MESSAGE, prefix: healthy, country: healthy };

    expect(evaluate({ ...traffic, client_country: own })).toMatchObject({
      scope: 'client_country',
      unverified: 11,
      allowed: 10,
    });
  });

  it('trusts a prefix by the messages of the client alone', () => {
    const verified = { ...NO_TRAFFIC, day: counts(1_000, 0) };
    const exceeded = { ...NO_TRAFFIC, hour: counts(0, 11) };
    const traffic = { prefix: verified, client_country: exceeded, country: NO_TRAFFIC };

    expect(evaluate({ ...traffic, client_prefix: ONE_MESSAGE })).toBeDefined();
    expect(evaluate({ ...traffic, client_prefix: verified })).toBeUndefined();
  });

  it.each<[string, 'hour' | 'day', number, Partial<DestinationCounts>]>([
    ['the floor of the hour', 'hour', 10, {}],
    ['the floor of the day', 'day', 30, {}],
    ['a share of the hour', 'hour', 60, { hour: counts(100, 0), day: counts(100, 0) }],
    ['a share of an average hour of the day', 'hour', 15, { day: counts(240, 0) }],
    ['a share of an average hour of two weeks', 'hour', 15, { twoWeeks: counts(3_360, 0) }],
    ['a share of the day', 'day', 80, { day: counts(100, 0) }],
    ['a share of an average day of two weeks', 'day', 80, { twoWeeks: counts(1_400, 0) }],
    ['a share of recent verified messages', 'hour', 15, { recent: counts(10, 0) }],
  ])(
    'allows unverified messages up to %s, and blocks the next one',
    (_name, window, allowed, verified) => {
      const { verified: before } = verified[window] ?? NO_SENDS;
      const traffic = { ...verified, [window]: counts(before, allowed) };
      const oneMore = { ...verified, [window]: counts(before, allowed + 1) };

      for (const [scope, evaluateScope] of [
        ['prefix', evaluatePrefix],
        ['country', evaluateCountry],
      ] as const) {
        expect(evaluateScope(traffic)).toBeUndefined();
        expect(evaluateScope(oneMore)).toMatchObject({
          scope: `client_${scope}`,
          window,
          includesRecent: false,
          unverified: allowed + 1,
          allowed,
          enforced: true,
        });
      }
    },
  );

  // The floor of 10 or 30, and the allowance for a burst.
  it.each([
    ['prefix', 'hour', 35, evaluatePrefix, { hour: counts(0, 5) }],
    ['prefix', 'day', 40, evaluatePrefix, { day: counts(0, 30) }],
    ['country', 'hour', 110, evaluateCountry, { hour: counts(0, 5) }],
    ['country', 'day', 130, evaluateCountry, { day: counts(0, 30) }],
  ] as const)(
    'allows for a %s and %s %i unverified messages including recent ones, and blocks the next one',
    (scope, window, allowed, evaluateScope, before) => {
      const notRecent = 'hour' in before ? before.hour.sends : before.day.sends;

      expect(evaluateScope({ ...before, recent: counts(0, allowed - notRecent) })).toBeUndefined();
      expect(evaluateScope({ ...before, recent: counts(0, allowed - notRecent + 1) })).toEqual({
        scope: `client_${scope}`,
        window,
        includesRecent: true,
        unverified: allowed + 1,
        allowed,
        verified: 0,
        enforced: true,
      });
    },
  );

  // These tests fail without `getExcessBeforeDay` in traffic-evaluator.ts.
  it.each([
    ['prefix', 10, evaluatePrefix],
    ['country', 100, evaluateCountry],
  ] as const)(
    'allows a %s no second burst of %i messages a day after the first one',
    (scope, burst, evaluateScope) => {
      const evaluateBurst = (unverified: number, twoWeeks: SendCounts) =>
        evaluateScope({ day: counts(0, 20), recent: counts(0, unverified - 20), twoWeeks });
      const ofDay = (verified: number, unverified: number) => counts(verified, 20 + unverified);

      expect(evaluateBurst(30, ofDay(0, 1_000))).toBeUndefined();
      expect(evaluateBurst(31, ofDay(0, burst))).toMatchObject({
        scope: `client_${scope}`,
        window: 'day',
        includesRecent: true,
        unverified: 31,
        allowed: 30,
      });
      // What is left of the burst.
      expect(evaluateBurst(34, ofDay(0, burst - 4))).toBeUndefined();
      expect(evaluateBurst(35, ofDay(0, burst - 4))).toMatchObject({ allowed: 34 });
      // A verified message earns back the ratio.
      expect(evaluateBurst(34, ofDay(8, burst))).toBeUndefined();
      expect(evaluateBurst(35, ofDay(8, burst))).toMatchObject({ allowed: 34 });
      expect(evaluateBurst(30 + burst, ofDay(20 * burst, burst))).toBeUndefined();
    },
  );

  it('allows a prefix within its own share when the budget of its country is exceeded', () => {
    const exceeded = counts(1_000, 600);
    const country = { ...NO_TRAFFIC, hour: exceeded, day: exceeded, twoWeeks: exceeded };
    const trusted = { ...NO_TRAFFIC, recent: counts(4, 1), day: counts(6, 4) };
    const notTrusted = { ...trusted, recent: counts(4, 2) };

    expect(evaluateSole(trusted, country)).toBeUndefined();
    expect(evaluateSole(notTrusted, country)).toMatchObject({ scope: 'client_country' });
  });

  // This test fails without the limit of `skipsCountry` in traffic-evaluator.ts.
  it('allows no prefix more once its country exceeds its budget by two bursts', () => {
    const trusted = { ...NO_TRAFFIC, recent: counts(1, 0), day: counts(500, 250) };
    const evaluateWith = (unverified: number, verifiedBefore: number) => {
      const day = counts(1_000, unverified);
      const twoWeeks = counts(1_000 + verifiedBefore, unverified);
      return evaluateSole(trusted, { ...NO_TRAFFIC, hour: day, day, twoWeeks });
    };

    // Half of the 1,000 verified messages, the floor of 30, and 200 for two bursts.
    expect(evaluateWith(730, 0)).toBeUndefined();
    expect(evaluateWith(731, 0)).toMatchObject({ scope: 'client_country' });
    // The day after a launch, the verified messages may be older than the attack on it.
    expect(evaluateWith(731, 2)).toBeUndefined();
    expect(evaluateWith(732, 2)).toBeDefined();
  });
});
