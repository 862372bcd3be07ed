import type { Options } from './options.js';
import type { Measurement, RunningServer } from './running-server.js';
import type { LoadOptions, Operation } from './load-job.js';
import { spread, type Spread } from './statistics.js';

/** A running server, and how to measure it. */
export interface BenchCase {
  readonly running: RunningServer;
  readonly name: string;
  readonly loadOptions: LoadOptions;
  readonly operations: readonly Operation[];
}

/** The measurements of one round. */
export type Round = ReadonlyMap<BenchCase, ReadonlyMap<Operation, Measurement>>;

/** The result over all rounds. */
export interface Result {
  readonly cpuMicros: Spread;
  /** CPU time relative to the baseline in the same round. */
  readonly ratio: Spread;
  readonly perSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
}

/**
 * Measures all cases in turn in each round, so that a slow phase of the machine affects all of them
 * and a ratio compares neighbours in time.
 */
export async function measureInTurns(
  cases: readonly BenchCase[],
  { rounds, count, warmUp }: Options,
): Promise<Round[]> {
  for (const benchCase of cases) {
    // The cases of one server share its warm-up.
    const sharers = cases.filter(({ running }) => running === benchCase.running).length;
    await measureTurn(benchCase, Math.ceil(warmUp / sharers));
  }
  const done: Round[] = [];
  for (let i = 0; i < rounds; i += 1) {
    const round = new Map<BenchCase, ReadonlyMap<Operation, Measurement>>();
    for (const benchCase of cases) round.set(benchCase, await measureTurn(benchCase, count));
    done.push(round);
  }
  return done;
}

async function measureTurn(
  { running, loadOptions, operations }: BenchCase,
  count: number,
): Promise<Map<Operation, Measurement>> {
  const measurements = new Map<Operation, Measurement>();
  for (const operation of operations) {
    // Idle connections may have been closed. These requests open them again and do not count.
    await running.run({ ...loadOptions, operation, count: loadOptions.connections });
    measurements.set(operation, await running.run({ ...loadOptions, operation, count }));
  }
  return measurements;
}

/** Summarizes an operation of a case over all rounds, relative to a baseline case. */
export function summarize(
  rounds: readonly Round[],
  operation: Operation,
  benchCase: BenchCase,
  baseline: BenchCase,
): Result {
  const spreadOf = (select: (own: Measurement, base: Measurement) => number): Spread =>
    spread(
      rounds.flatMap((round) => {
        const own = round.get(benchCase)?.get(operation);
        const base = round.get(baseline)?.get(operation);
        return own && base ? [select(own, base)] : [];
      }),
    );
  return {
    cpuMicros: spreadOf(({ cpuMicrosPerRequest }) => cpuMicrosPerRequest),
    ratio: spreadOf((own, base) => own.cpuMicrosPerRequest / base.cpuMicrosPerRequest),
    perSecond: spreadOf(({ perSecond }) => perSecond),
    p50Ms: spreadOf(({ p50Ms }) => p50Ms),
    p99Ms: spreadOf(({ p99Ms }) => p99Ms),
  };
}
