import { join } from 'node:path';
import type { Options } from './options.js';
import type { RunningSubject, Measurement } from './running-subject.js';
import type { Operation } from './slice.js';
import { spread, type Spread } from './statistics.js';
import { FLOOR, type Variant } from './subjects.js';

/** One line of the comparison. */
export interface Line {
  readonly engine: string;
  readonly name: string;
  readonly operation: Operation;
  readonly cpuMicros: Spread;
  /** CPU over the floor's of the same round. */
  readonly ratio: Spread;
  readonly perSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
}

interface Entrant {
  readonly running: RunningSubject;
  readonly variant: Variant;
}

/** What a subject's process takes. */
export interface ProcessLine {
  readonly engine: string;
  readonly name: string;
  /** From the start of its process to its first answer. */
  readonly startMs: number;
  readonly idleBytes: number;
  readonly peakBytes: number;
}

export interface Comparison {
  readonly lines: readonly Line[];
  readonly processes: readonly ProcessLine[];
}

type Round = ReadonlyMap<string, Measurement>;

const key = (name: string, operation: Operation) => `${operation} ${name}`;

/**
 * Measures every subject in turn, again and again: what slows the machine for a while slows them
 * all, and a ratio is of two neighbours.
 */
export async function compare(
  engine: string,
  subjects: readonly RunningSubject[],
  options: Options,
): Promise<Comparison> {
  const idle = await Promise.all(subjects.map((subject) => subject.usage()));
  const entrants = subjects.flatMap((running) =>
    running.subject.variants.map((variant) => ({ running, variant })),
  );
  for (const entrant of entrants) await turn(entrant, options.warmUp, options);
  const rounds: Round[] = [];
  for (let i = 0; i < options.rounds; i += 1) rounds.push(await oneRound(entrants, options));
  if (options.profiles !== undefined) await profile(engine, entrants, options, options.profiles);
  const loaded = await Promise.all(subjects.map((subject) => subject.usage()));
  return {
    lines: entrants.flatMap(({ variant, running }) =>
      running.subject.operations.map((operation) =>
        lineOf(engine, variant.name, operation, rounds),
      ),
    ),
    processes: subjects.map(({ name, startMs }, i) => ({
      engine,
      name,
      startMs,
      idleBytes: idle[i]?.rssBytes ?? NaN,
      peakBytes: loaded[i]?.peakRssBytes ?? NaN,
    })),
  };
}

async function oneRound(entrants: readonly Entrant[], options: Options): Promise<Round> {
  const round = new Map<string, Measurement>();
  for (const entrant of entrants) {
    for (const [operation, measurement] of await turn(entrant, options.count, options)) {
      round.set(key(entrant.variant.name, operation), measurement);
    }
  }
  return round;
}

async function turn(
  { running, variant }: Entrant,
  count: number,
  { connections }: Options,
): Promise<[Operation, Measurement][]> {
  const done: [Operation, Measurement][] = [];
  for (const operation of running.subject.operations) {
    const { keyed } = variant;
    done.push([operation, await running.run({ operation, count, connections, keyed })]);
  }
  return done;
}

async function profile(
  engine: string,
  entrants: readonly Entrant[],
  { count, connections }: Options,
  folder: string,
): Promise<void> {
  for (const { running, variant } of entrants) {
    for (const operation of running.subject.operations) {
      const name = `${engine} ${variant.name} ${operation}`.replaceAll(/[^a-z]+/gi, '-');
      const { keyed } = variant;
      const share = { operation, count: 2 * count, connections, keyed };
      await running.profile(share, join(folder, `${name}.cpuprofile`));
    }
  }
}

function lineOf(
  engine: string,
  name: string,
  operation: Operation,
  rounds: readonly Round[],
): Line {
  const each = (of: (measurement: Measurement, floor: Measurement) => number): Spread =>
    spread(
      rounds.flatMap((round) => {
        const measurement = round.get(key(name, operation));
        const floor = round.get(key(FLOOR, operation));
        return measurement && floor ? [of(measurement, floor)] : [];
      }),
    );
  return {
    engine,
    name,
    operation,
    cpuMicros: each(({ cpuMicrosPerRequest }) => cpuMicrosPerRequest),
    ratio: each((own, floor) => own.cpuMicrosPerRequest / floor.cpuMicrosPerRequest),
    perSecond: each(({ perSecond }) => perSecond),
    p50Ms: each(({ p50Ms }) => p50Ms),
    p99Ms: each(({ p99Ms }) => p99Ms),
  };
}
