import type { Options } from './options.js';
import type { Measurement, RunningSubject } from './running-subject.js';
import type { Manner, Operation } from './slice.js';
import { spread, type Spread } from './statistics.js';

/** A subject that is asked in a certain manner. */
export interface Entrant {
  readonly running: RunningSubject;
  readonly name: string;
  readonly manner: Manner;
  readonly operations: readonly Operation[];
}

/** What each entrant's turn in one round came to. */
export type Round = ReadonlyMap<Entrant, ReadonlyMap<Operation, Measurement>>;

/** What came of all rounds. */
export interface Result {
  readonly cpuMicros: Spread;
  /** CPU over the baseline's of the same round. */
  readonly ratio: Spread;
  readonly perSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
}

/**
 * Measures every entrant in turn, again and again: what slows the machine for a while slows them
 * all, and a ratio is of two neighbours.
 */
export async function inTurns(
  entrants: readonly Entrant[],
  { rounds, count, warmUp }: Options,
): Promise<Round[]> {
  for (const entrant of entrants) {
    const sharers = entrants.filter(({ running }) => running === entrant.running).length;
    await turn(entrant, Math.ceil(warmUp / sharers));
  }
  const done: Round[] = [];
  for (let i = 0; i < rounds; i += 1) {
    const round = new Map<Entrant, ReadonlyMap<Operation, Measurement>>();
    for (const entrant of entrants) round.set(entrant, await turn(entrant, count));
    done.push(round);
  }
  return done;
}

async function turn(
  { running, manner, operations }: Entrant,
  count: number,
): Promise<Map<Operation, Measurement>> {
  const done = new Map<Operation, Measurement>();
  for (const operation of operations) {
    // Connections that have been idle may be closed: they are opened again before it counts.
    await running.run({ ...manner, operation, count: manner.connections });
    done.set(operation, await running.run({ ...manner, operation, count }));
  }
  return done;
}

/** Of an entrant's operation over all rounds, beside another's. */
export function resultOf(
  rounds: readonly Round[],
  operation: Operation,
  entrant: Entrant,
  baseline: Entrant,
): Result {
  const each = (of: (own: Measurement, other: Measurement) => number): Spread =>
    spread(
      rounds.flatMap((round) => {
        const own = round.get(entrant)?.get(operation);
        const other = round.get(baseline)?.get(operation);
        return own && other ? [of(own, other)] : [];
      }),
    );
  return {
    cpuMicros: each(({ cpuMicrosPerRequest }) => cpuMicrosPerRequest),
    ratio: each((own, other) => own.cpuMicrosPerRequest / other.cpuMicrosPerRequest),
    perSecond: each(({ perSecond }) => perSecond),
    p50Ms: each(({ p50Ms }) => p50Ms),
    p99Ms: each(({ p99Ms }) => p99Ms),
  };
}
