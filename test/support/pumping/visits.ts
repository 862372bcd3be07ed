import { hours, minutes, seconds } from '../../../src/common/durations.js';
import type { Random } from '../crash/random.js';

/** Somebody who wants a code, or pretends to. */
export interface Visit {
  readonly who: 'person' | 'bot';
  readonly at: number;
  readonly number: string;
  readonly country: string;
  /** How long after the first text they ask for another; `undefined` if they do not. */
  readonly resendsAfterMs: number | undefined;
  /** How long after the first text they type the code; `undefined` if they never do. */
  readonly typesAfterMs: number | undefined;
}

/** A country's mobile numbers: so many prefixes of ten thousand, from the first on. */
export interface Plan {
  readonly country: string;
  readonly first: number;
  readonly prefixes: number;
}

/** Traffic of people. */
export interface Crowd {
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
export interface Swarm {
  readonly start: number;
  readonly count: number;
  readonly everyMs: number;
}

/** The last moment in which a code can be typed. */
const LATEST_MS = minutes(5) - seconds(1);

/** People come by chance; most type their code, and a few ask for a second text first. */
export function people(random: Random, plan: Plan, crowd: Crowd): Visit[] {
  const visits: Visit[] = [];
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
export function bots(random: Random, plan: Plan, { start, count, everyMs }: Swarm): Visit[] {
  return Array.from({ length: count }, (_, index) => ({
    who: 'bot',
    at: start + index * everyMs,
    number: numberOf(random, plan),
    country: plan.country,
    resendsAfterMs: undefined,
    typesAfterMs: undefined,
  }));
}

function person(random: Random, plan: Plan, at: number, percent: number): Visit {
  const types = fraction(random) * 100 < percent;
  // Most type within half a minute; a few have to look for their phone.
  const typesAfterMs = Math.min(seconds(5) + waiting(random, seconds(35)), LATEST_MS);
  const impatient = random.oneIn(types ? 2 : 4);
  const resendsAfterMs = seconds(random.between(45, 60));
  return {
    who: 'person',
    at,
    number: numberOf(random, plan),
    country: plan.country,
    resendsAfterMs:
      impatient && (!types || typesAfterMs > resendsAfterMs) ? resendsAfterMs : undefined,
    typesAfterMs: types ? typesAfterMs : undefined,
  };
}

function numberOf(random: Random, { first, prefixes }: Plan): string {
  const block = String(first + random.between(0, prefixes - 1));
  return `+${block}${String(random.between(0, 9_999)).padStart(4, '0')}`;
}

/** A time until something that happens by chance, in milliseconds. */
const waiting = (random: Random, meanMs: number): number =>
  Math.round(-Math.log(1 - fraction(random)) * meanMs);

const fraction = (random: Random): number => random.between(0, 2 ** 30 - 1) / 2 ** 30;
