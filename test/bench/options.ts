import { parseArgs } from 'node:util';

const ENGINES = ['sqlite', 'postgres'] as const;
export type EngineName = (typeof ENGINES)[number];

/** How much is measured. */
export interface Options {
  readonly engines: readonly EngineName[];
  /** Only subjects whose names contain one of these; the floor is always measured. */
  readonly only: readonly string[];
  /** The folder of another build of the service, to be measured beside this one. */
  readonly against: string | undefined;
  /** How often each subject has its turn. */
  readonly rounds: number;
  /** Requests of one operation in one turn. */
  readonly count: number;
  readonly warmUp: number;
  readonly connections: number;
  /** Where to write the results as JSON. */
  readonly json: string | undefined;
  /** A folder for a CPU profile of each subject and operation. */
  readonly profiles: string | undefined;
}

const QUICK = { rounds: 3, count: 300, warmUp: 400 };
const FULL = { rounds: 9, count: 2_000, warmUp: 5_000 };

/** @throws Error on an option that it does not know. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      engine: { type: 'string', multiple: true },
      only: { type: 'string', multiple: true, default: [] },
      against: { type: 'string' },
      rounds: { type: 'string' },
      count: { type: 'string' },
      connections: { type: 'string', default: '32' },
      json: { type: 'string' },
      profiles: { type: 'string' },
    },
  });
  const size = values.quick ? QUICK : FULL;
  return {
    engines: ENGINES.filter((name) => values.engine?.includes(name) ?? true),
    only: values.only,
    against: values.against,
    rounds: Number(values.rounds ?? size.rounds),
    count: Number(values.count ?? size.count),
    warmUp: size.warmUp,
    connections: Number(values.connections),
    json: values.json,
    profiles: values.profiles,
  };
}
