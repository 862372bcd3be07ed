import { createTrafficEvaluator } from '../../src/destinations/traffic-evaluator.js';
import type { DestinationCounts, SendCounts } from '../../src/storage/limit.types.js';

const evaluate = createTrafficEvaluator({
  mode: 'enforce',
  floorPerHour: 10,
  floorPerDay: 30,
  unverifiedRatio: 0.5,
});

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

const evaluatePrefix = (prefix: Partial<DestinationCounts>) =>
  evaluate({ prefix: { ...NO_TRAFFIC, ...prefix }, country: NO_TRAFFIC });
/** Evaluates with a prefix of one message, too few to be trusted. */
const evaluateCountry = (country: Partial<DestinationCounts>) =>
  evaluate({
    prefix: { ...NO_TRAFFIC, recent: counts(0, 1) },
    country: { ...NO_TRAFFIC, ...country },
  });

describe('TrafficEvaluator', () => {
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
          scope,
          window,
          includesRecent: false,
          unverified: allowed + 1,
          allowed,
          enforced: true,
        });
      }
    },
  );

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
        scope,
        window,
        includesRecent: true,
        unverified: allowed + 1,
        allowed,
        verified: 0,
        enforced: true,
      });
    },
  );

  it('allows a prefix within its own share when the budget of its country is exceeded', () => {
    const country = { ...NO_TRAFFIC, hour: counts(0, 1_000) };
    const trusted = { ...NO_TRAFFIC, recent: counts(4, 1), day: counts(6, 4) };
    const notTrusted = { ...trusted, recent: counts(4, 2) };

    expect(evaluate({ prefix: trusted, country })).toBeUndefined();
    expect(evaluate({ prefix: notTrusted, country })).toMatchObject({ scope: 'country' });
  });
});
