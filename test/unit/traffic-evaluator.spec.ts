import { createTrafficEvaluator } from '../../src/destinations/traffic-evaluator.js';
import type { DestinationCounts, SendCounts } from '../../src/storage/limit.types.js';

const judge = createTrafficEvaluator({
  mode: 'enforce',
  floorPerHour: 10,
  floorPerDay: 30,
  unverifiedRatio: 0.5,
});

const NOTHING: SendCounts = { sends: 0, verified: 0 };
const QUIET: DestinationCounts = {
  recent: NOTHING,
  hour: NOTHING,
  day: NOTHING,
  twoWeeks: NOTHING,
};

/** So many verified texts, and so many that nobody verified. */
const of = (verified: number, unverified: number): SendCounts => ({
  sends: verified + unverified,
  verified,
});

const onPrefix = (prefix: Partial<DestinationCounts>) =>
  judge({ prefix: { ...QUIET, ...prefix }, country: QUIET });
/** By a prefix with one text, which proves nothing. */
const onCountry = (country: Partial<DestinationCounts>) =>
  judge({ prefix: { ...QUIET, recent: of(0, 1) }, country: { ...QUIET, ...country } });

describe('The budgets of unverified texts', () => {
  it.each<[string, 'hour' | 'day', number, Partial<DestinationCounts>]>([
    ['the floor of the hour', 'hour', 10, {}],
    ['the floor of the day', 'day', 30, {}],
    ['a share of the hour', 'hour', 60, { hour: of(100, 0), day: of(100, 0) }],
    ['a share of an average hour of the day', 'hour', 15, { day: of(240, 0) }],
    ['a share of an average hour of two weeks', 'hour', 15, { twoWeeks: of(3_360, 0) }],
    ['a share of the day', 'day', 80, { day: of(100, 0) }],
    ['a share of an average day of two weeks', 'day', 80, { twoWeeks: of(1_400, 0) }],
    ['a share of recent verified texts', 'hour', 15, { recent: of(10, 0) }],
  ])('allow %s, and not one more', (_name, window, allowed, verified) => {
    const { verified: before } = verified[window] ?? NOTHING;
    const traffic = { ...verified, [window]: of(before, allowed) };
    const oneMore = { ...verified, [window]: of(before, allowed + 1) };

    for (const [scope, on] of [
      ['prefix', onPrefix],
      ['country', onCountry],
    ] as const) {
      expect(on(traffic)).toBeUndefined();
      expect(on(oneMore)).toMatchObject({
        scope,
        window,
        includesRecent: false,
        unverified: allowed + 1,
        allowed,
        enforced: true,
      });
    }
  });

  it.each([
    ['prefix', 'hour', 35, onPrefix, { hour: of(0, 5) }],
    ['prefix', 'day', 40, onPrefix, { day: of(0, 30) }],
    ['country', 'hour', 110, onCountry, { hour: of(0, 5) }],
    ['country', 'day', 130, onCountry, { day: of(0, 30) }],
  ] as const)('of a %s and %s bear %i with the recent ones', (scope, window, most, on, before) => {
    const ripe = 'hour' in before ? before.hour.sends : before.day.sends;

    expect(on({ ...before, recent: of(0, most - ripe) })).toBeUndefined();
    expect(on({ ...before, recent: of(0, most - ripe + 1) })).toEqual({
      scope,
      window,
      includesRecent: true,
      unverified: most + 1,
      allowed: most,
      verified: 0,
      enforced: true,
    });
  });

  it('do not hold a country against a prefix that keeps within its own share', () => {
    const country = { ...QUIET, hour: of(0, 1_000) };
    const proven = { ...QUIET, recent: of(4, 1), day: of(6, 4) };
    const notQuite = { ...proven, recent: of(4, 2) };

    expect(judge({ prefix: proven, country })).toBeUndefined();
    expect(judge({ prefix: notQuite, country })).toMatchObject({ scope: 'country' });
  });
});
