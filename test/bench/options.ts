import { parseArgs } from 'node:util';

const ENGINES = ['sqlite', 'postgres'] as const;
export type DatabaseEngine = (typeof ENGINES)[number];

/** What is measured, and how much. */
export interface Options {
  readonly engines: readonly DatabaseEngine[];
  /** Only servers whose names contain one of these; the floor is always measured. */
  readonly only: readonly string[];
  /** The folder of another build of the service, to be measured beside this one. */
  readonly against: string | undefined;
  /** Whether the service is also measured with delivery reports switched on. */
  readonly reports: boolean;
  /** The number of rounds. Each server has one turn per round. */
  readonly rounds: number;
  /** Requests of one operation in one turn. */
  readonly count: number;
  readonly warmUp: number;
  /** Numbers of concurrent requests. The comparison uses each, all else the first. */
  readonly connections: readonly number[];
  /** Sizes in bytes to which request bodies are padded. */
  readonly bodies: readonly number[];
  /** Sizes of the history, in verifications; empty unless growth is measured. */
  readonly growth: readonly number[];
  /** Whether latency at half of saturation is measured. */
  readonly halfLoad: boolean;
  /** The number of whole flows during which memory is measured. */
  readonly flows: number | undefined;
  /** Sends per second at which resources are measured; empty unless they are. */
  readonly rates: readonly number[];
  /** How long each of these rates lasts. */
  readonly seconds: number;
  /** Where to write the results as JSON. */
  readonly json: string | undefined;
  /** A folder for a CPU profile of each server and operation. */
  readonly profiles: string | undefined;
}

const QUICK = { rounds: 3, count: 300, warmUp: 400, seconds: 3 };
const FULL = { rounds: 9, count: 2_000, warmUp: 5_000, seconds: 20 };

/** @throws Error on an unknown option or an invalid number */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      engine: { type: 'string', multiple: true },
      only: { type: 'string', multiple: true, default: [] },
      against: { type: 'string' },
      reports: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      count: { type: 'string' },
      connections: { type: 'string', default: '32' },
      bodies: { type: 'string', default: '0' },
      growth: { type: 'string' },
      'half-load': { type: 'boolean', default: false },
      flows: { type: 'string' },
      rates: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      profiles: { type: 'string' },
    },
  });
  const size = values.quick ? QUICK : FULL;
  return {
    engines: ENGINES.filter((name) => values.engine?.includes(name) ?? true),
    only: values.only,
    against: values.against,
    reports: values.reports,
    rounds: values.rounds === undefined ? size.rounds : parseCount(values.rounds),
    count: values.count === undefined ? size.count : parseCount(values.count),
    warmUp: size.warmUp,
    connections: values.connections.split(',').map(parseCount),
    bodies: values.bodies.split(',').map(parseCount),
    growth: values.growth?.split(',').map(parseCount) ?? [],
    halfLoad: values['half-load'],
    flows: values.flows === undefined ? undefined : parseCount(values.flows),
    rates: values.rates?.split(',').map(parseCount) ?? [],
    seconds: values.seconds === undefined ? size.seconds : parseCount(values.seconds),
    json: values.json,
    profiles: values.profiles,
  };
}

function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${text} is not a whole number`);
  return Number(text);
}
