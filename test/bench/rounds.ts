import type { Options } from './options.js';
import type { Measurement, RunningServer } from './running-server.js';
import type { LoadOptions, Operation } from './load-job.js';
import { spread, type Spread } from './statistics.js';

/** A server with the load options to measure it with. */
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
    const casesOfServer = cases.filter(({ running }) => running === benchCase.running).length;
    await measureTurn(benchCase, Math.ceil(warmUp / casesOfServer));
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
  const each = (of: (own: Measurement, other: Measurement) => number): Spread =>
    spread(
      rounds.flatMap((round) => {
        const own = round.get(benchCase)?.get(operation);
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
