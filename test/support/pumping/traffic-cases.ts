import { hours, minutes, seconds } from '../../../src/common/durations.js';
import type { SeededRandom } from '../seeded-random.js';
import {
  createBotTraffic,
  createHumanTraffic,
  type NumberRange,
  type SimulatedVerification,
} from './simulated-traffic.js';

/** A case of traffic, with its name in docs/fraud-protection.md. */
export interface TrafficCase {
  readonly name: string;
  readonly createTraffic: (random: SeededRandom, start: number) => SimulatedVerification[];
}

/** A million mobile numbers of customers. */
const CUSTOMER_NUMBERS: NumberRange = { country: 'CH', firstPrefix: 4_179_300, prefixCount: 100 };
/** Numbers of the attacker. */
const ATTACKER_NUMBERS: NumberRange = { country: 'CH', firstPrefix: 4_178_000, prefixCount: 1_000 };
const ONE_PREFIX: NumberRange = { ...ATTACKER_NUMBERS, prefixCount: 1 };

const ALWAYS = () => 1;

export interface Attack extends TrafficCase {
  /** The most messages of the attack that may be sent instead of blocked. */
  readonly maxDelivered: number;
}

export const HEALTHY: readonly TrafficCase[] = [
  {
    name: '60 people an hour for two days; 70 to 95 % type their code, by the time of day',
    createTraffic: (random, start) =>
      createHumanTraffic(random, CUSTOMER_NUMBERS, {
        start,
        durationHours: 48,
        peakPerHour: 60,
        shareOfPeak: ALWAYS,
        verifiedPercent: (hour) => 82.5 - 12.5 * Math.cos((hour / 24) * 2 * Math.PI),
      }),
  },
  {
    name: 'a launch day, from nothing to 5,000 an hour within an hour; 70 %',
    createTraffic: (random, start) =>
      createHumanTraffic(random, CUSTOMER_NUMBERS, {
        start,
        durationHours: 1.5,
        peakPerHour: 5_000,
        shareOfPeak: (hour) => Math.min(hour, 1),
        verifiedPercent: () => 70,
      }),
  },
  {
    name: 'a small shop, ten a day in each of eight countries for a week; 70 to 95 %, by country',
    createTraffic: (random, start) =>
      ['AT', 'BE', 'CH', 'DE', 'ES', 'FR', 'IT', 'NL'].flatMap((country, index) =>
        createHumanTraffic(
          random.for(country),
          { country, firstPrefix: 4_179_300 + 10_000 * index, prefixCount: 1_000 },
          {
            start,
            durationHours: 7 * 24,
            peakPerHour: 10 / 24,
            shareOfPeak: ALWAYS,
            verifiedPercent: () => 70 + (25 * index) / 7,
          },
        ),
      ),
  },
];

const createPrefixAttack = (name: string, everyMs: number, count: number): Attack => ({
  name: `one prefix, ${name}`,
  maxDelivered: 40,
  createTraffic: (random, start) => createBotTraffic(random, ONE_PREFIX, { start, count, everyMs }),
});

export const ATTACKS: readonly Attack[] = [
  createPrefixAttack('one every 20 seconds for a day', seconds(20), 3 * 60 * 24),
  createPrefixAttack('one a second for half an hour', seconds(1), 1_800),
  createPrefixAttack('ten a second for three minutes', seconds(0.1), 1_800),
  {
    name: 'one country, rotating prefixes, one a second for half an hour',
    maxDelivered: 110,
    createTraffic: (random, start) =>
      createBotTraffic(random, ATTACKER_NUMBERS, { start, count: 1_800, everyMs: seconds(1) }),
  },
  {
    name: 'one country, one a second for ten minutes, each day for a week',
    // The first burst, and the floor of each further day.
    maxDelivered: 110 + 6 * 30,
    createTraffic: (random, start) =>
      Array.from({ length: 7 }, (_, day) =>
        createBotTraffic(random.for(String(day)), ATTACKER_NUMBERS, {
          // So much later each day that the burst of the day before has left the last day.
          start: start + day * (hours(24) + minutes(20)),
          count: 600,
          everyMs: seconds(1),
        }),
      ).flat(),
  },
  {
    name: 'a slow drip into one country, one every ten minutes for a week',
    // A little more than the floor of 30 a day.
    maxDelivered: 7 * 33,
    createTraffic: (random, start) =>
      createBotTraffic(random, ATTACKER_NUMBERS, { start, count: 1_008, everyMs: minutes(10) }),
  },
  {
    name: 'hidden in a country of 600 people an hour (85 %), one a second for two hours',
    maxDelivered: 1_200,
    createTraffic: (random, start) => [
      ...createHumanTraffic(random.for('people'), CUSTOMER_NUMBERS, {
        start,
        durationHours: 3,
        peakPerHour: 600,
        shareOfPeak: ALWAYS,
        verifiedPercent: () => 85,
      }),
      ...createBotTraffic(random.for('bots'), ATTACKER_NUMBERS, {
        start: start + hours(1),
        count: 7_200,
        everyMs: seconds(1),
      }),
    ],
  },
];

/** Attacks with API keys of their own, in a country of a shop's customers. */
export const SHARED_COUNTRY: readonly Attack[] = [
  {
    name: 'a shop, 60 people an hour for two days (70 to 95 %); another client sends one a second for two hours',
    maxDelivered: 110,
    createTraffic: (random, start) => [
      ...createHumanTraffic(random.for('people'), CUSTOMER_NUMBERS, {
        client: 'shop',
        start,
        durationHours: 48,
        peakPerHour: 60,
        shareOfPeak: ALWAYS,
        verifiedPercent: (hour) => 82.5 - 12.5 * Math.cos((hour / 24) * 2 * Math.PI),
      }),
      ...createAttackOfClient(random, 'attacker', start + hours(12), 7_200),
    ],
  },
  {
    name: 'a launch, to 5,000 an hour (75 %), one hour after another client begins to send one a second',
    maxDelivered: 140,
    createTraffic: (random, start) => [
      ...createAttackOfClient(random, 'attacker', start, 9_000),
      ...createHumanTraffic(random.for('people'), CUSTOMER_NUMBERS, {
        client: 'shop',
        start: start + hours(1),
        durationHours: 1.5,
        peakPerHour: 5_000,
        shareOfPeak: (hour) => Math.min(hour, 1),
        verifiedPercent: () => 75,
      }),
    ],
  },
  {
    name: 'a small shop, ten a day (80 %); three other clients send one a second each for two hours',
    maxDelivered: 220,
    createTraffic: (random, start) => [
      ...createHumanTraffic(random.for('people'), CUSTOMER_NUMBERS, {
        client: 'shop',
        start,
        durationHours: 50 * 24,
        peakPerHour: 10 / 24,
        shareOfPeak: ALWAYS,
        verifiedPercent: () => 80,
      }),
      ...['one', 'two', 'three'].flatMap((client) =>
        createAttackOfClient(random.for(client), client, start + hours(20 * 24), 7_200),
      ),
    ],
  },
];

function createAttackOfClient(
  random: SeededRandom,
  client: string,
  start: number,
  count: number,
): SimulatedVerification[] {
  const traffic = { client, start, count, everyMs: seconds(1) };
  return createBotTraffic(random.for('bots'), ATTACKER_NUMBERS, traffic);
}
