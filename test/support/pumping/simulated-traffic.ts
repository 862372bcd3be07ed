import { hours, minutes, seconds } from '../../../src/common/durations.js';
import type { SeededRandom } from '../seeded-random.js';

/** A verification that a person or a bot starts. */
export interface SimulatedVerification {
  readonly source: 'person' | 'bot';
  /** The client of the service that sends it. */
  readonly client: string;
  /** The time of the send, in milliseconds since the epoch. */
  readonly at: number;
  readonly phoneNumber: string;
  readonly country: string;
  /** Time from the send to a resend; `undefined` if there is none. */
  readonly resendsAfterMs: number | undefined;
  /** Time from the send until the code is verified; `undefined` if it never is. */
  readonly verifiesAfterMs: number | undefined;
}

/** Mobile numbers of a country: consecutive prefixes (E.164 without `+`) of 10,000 numbers each. */
export interface NumberRange {
  readonly country: string;
  readonly firstPrefix: number;
  readonly prefixCount: number;
}

/** Traffic of people. */
export interface HumanTraffic {
  /** Default: `shop`, as for {@link BotTraffic}. */
  readonly client?: string;
  readonly start: number;
  readonly durationHours: number;
  /** The highest rate of sends. */
  readonly peakPerHour: number;
  /** Share of the peak, from 0 to 1, at an hour after the start. */
  readonly shareOfPeak: (hour: number) => number;
  /** Percentage of people who verify their code, at an hour after the start. */
  readonly verifiedPercent: (hour: number) => number;
}

/** Traffic of bots. */
export interface BotTraffic {
  readonly client?: string;
  readonly start: number;
  readonly count: number;
  readonly everyMs: number;
}

const DEFAULT_CLIENT = 'shop';

/** The latest time at which a code can be verified. */
const LATEST_VERIFY_MS = minutes(5) - seconds(1);

/** Creates traffic of people at random times. Most verify their code; a few resend it first. */
export function createHumanTraffic(
  random: SeededRandom,
  range: NumberRange,
  traffic: HumanTraffic,
): SimulatedVerification[] {
  const verifications: SimulatedVerification[] = [];
  const { start, durationHours, peakPerHour, shareOfPeak } = traffic;
  const end = start + hours(durationHours);
  for (let at = start; at < end; at += 1 + randomWaitMs(random, hours(1) / peakPerHour)) {
    if (randomFraction(random) < shareOfPeak((at - start) / hours(1))) {
      verifications.push(createPerson(random, range, at, traffic));
    }
  }
  return verifications;
}

/** Creates traffic of bots: random numbers at equal intervals, and no code is verified. */
export function createBotTraffic(
  random: SeededRandom,
  range: NumberRange,
  { client = DEFAULT_CLIENT, start, count, everyMs }: BotTraffic,
): SimulatedVerification[] {
  return Array.from({ length: count }, (_, index) => ({
    source: 'bot',
    client,
    at: start + index * everyMs,
    phoneNumber: randomNumber(random, range),
    country: range.country,
    resendsAfterMs: undefined,
    verifiesAfterMs: undefined,
  }));
}

function createPerson(
  random: SeededRandom,
  range: NumberRange,
  at: number,
  { client = DEFAULT_CLIENT, start, verifiedPercent }: HumanTraffic,
): SimulatedVerification {
  const verifies = randomFraction(random) * 100 < verifiedPercent((at - start) / hours(1));
  // Most verify within half a minute; a few take longer to find their phone.
  const typesAfterMs = Math.min(seconds(5) + randomWaitMs(random, seconds(35)), LATEST_VERIFY_MS);
  const isImpatient = random.oneIn(verifies ? 2 : 4);
  const resendsAfterMs = seconds(random.between(45, 60));
  return {
    source: 'person',
    client,
    at,
    phoneNumber: randomNumber(random, range),
    country: range.country,
    resendsAfterMs:
      isImpatient && (!verifies || typesAfterMs > resendsAfterMs) ? resendsAfterMs : undefined,
    verifiesAfterMs: verifies ? typesAfterMs : undefined,
  };
}

function randomNumber(random: SeededRandom, { firstPrefix, prefixCount }: NumberRange): string {
  const prefix = String(firstPrefix + random.between(0, prefixCount - 1));
  return `+${prefix}${String(random.between(0, 9_999)).padStart(4, '0')}`;
}

/** A random time until the next event, exponentially distributed, in milliseconds. */
const randomWaitMs = (random: SeededRandom, meanMs: number): number =>
  Math.round(-Math.log(1 - randomFraction(random)) * meanMs);

const randomFraction = (random: SeededRandom): number => random.between(0, 2 ** 30 - 1) / 2 ** 30;
