import { hours, minutes, seconds } from '../../../src/common/durations.js';
import type { SeededRandom } from '../seeded-random.js';

/** Somebody who wants a code, or pretends to. */
export interface SimulatedVerification {
  readonly source: 'person' | 'bot';
  readonly at: number;
  readonly phoneNumber: string;
  readonly country: string;
  /** How long after the first text they ask for another; `undefined` if they do not. */
  readonly resendsAfterMs: number | undefined;
  /** How long after the first text they type the code; `undefined` if they never do. */
  readonly verifiesAfterMs: number | undefined;
}

/** A country's mobile numbers: so many prefixes of ten thousand, from the first on. */
export interface NumberRange {
  readonly country: string;
  readonly first: number;
  readonly prefixes: number;
}

/** Traffic of people. */
export interface HumanTraffic {
  readonly start: number;
  readonly lastsHours: number;
  /** How many come in an hour, at most. */
  readonly peak: number;
  /** The share of the peak, from 0 to 1, so many hours after the start. */
  readonly share: (hour: number) => number;
  /** How many of a hundred type their code, so many hours after the start. */
  readonly percent: (hour: number) => number;
}

/** Traffic of bots. */
export interface BotTraffic {
  readonly start: number;
  readonly count: number;
  readonly everyMs: number;
}

/** The last moment in which a code can be typed. */
const LATEST_MS = minutes(5) - seconds(1);

/** People come by chance; most type their code, and a few ask for a second text first. */
export function createHumanTraffic(
  random: SeededRandom,
  plan: NumberRange,
  crowd: HumanTraffic,
): SimulatedVerification[] {
  const visits: SimulatedVerification[] = [];
  const end = crowd.start + hours(crowd.lastsHours);
  for (let at = crowd.start; at < end; at += 1 + waiting(random, hours(1) / crowd.peak)) {
    const hour = (at - crowd.start) / hours(1);
    if (fraction(random) < crowd.share(hour)) {
      visits.push(person(random, plan, at, crowd.percent(hour)));
    }
  }
  return visits;
}

/** Bots come in equal steps, each with another number, and type nothing. */
export function createBotTraffic(
  random: SeededRandom,
  plan: NumberRange,
  { start, count, everyMs }: BotTraffic,
): SimulatedVerification[] {
  return Array.from({ length: count }, (_, index) => ({
    source: 'bot',
    at: start + index * everyMs,
    phoneNumber: numberOf(random, plan),
    country: plan.country,
    resendsAfterMs: undefined,
    verifiesAfterMs: undefined,
  }));
}

function person(
  random: SeededRandom,
  plan: NumberRange,
  at: number,
  percent: number,
): SimulatedVerification {
  const types = fraction(random) * 100 < percent;
  // Most type within half a minute; a few have to look for their phone.
  const typesAfterMs = Math.min(seconds(5) + waiting(random, seconds(35)), LATEST_MS);
  const impatient = random.oneIn(types ? 2 : 4);
  const resendsAfterMs = seconds(random.between(45, 60));
  return {
    source: 'person',
    at,
    phoneNumber: numberOf(random, plan),
    country: plan.country,
    resendsAfterMs:
      impatient && (!types || typesAfterMs > resendsAfterMs) ? resendsAfterMs : undefined,
    verifiesAfterMs: types ? typesAfterMs : undefined,
  };
}

function numberOf(random: SeededRandom, { first, prefixes }: NumberRange): string {
  const block = String(first + random.between(0, prefixes - 1));
  return `+${block}${String(random.between(0, 9_999)).padStart(4, '0')}`;
}

/** A time until something that happens by chance, in milliseconds. */
const waiting = (random: SeededRandom, meanMs: number): number =>
  Math.round(-Math.log(1 - fraction(random)) * meanMs);

const fraction = (random: SeededRandom): number => random.between(0, 2 ** 30 - 1) / 2 ** 30;
