import type { Experiment } from '../experiment.js';
import { withServers } from '../with-servers.js';
import type { Options } from '../options.js';
import { withSpread, type Line } from '../report.js';
import type { Measurement, RunningServer } from '../running-server.js';
import type { Operation } from '../load-job.js';
import { spread, type Spread } from '../statistics.js';
import { FLOOR, SERVICE, floor, service } from '../servers.js';

/** In this order, because each verify uses a code of an earlier send. */
const ORDER = ['send', 'verify'] as const satisfies readonly Operation[];

type Rates = ReadonlyMap<Operation, Spread>;

interface Pair {
  readonly floor: Measurement;
  readonly service: Measurement;
}

/** Latency of the floor and the service, each at half of the service's maximum rate. */
export const halfLoad: Experiment = (engine, shared, options) =>
  withServers(engine, [floor, service], shared, async (running) => {
    const findServer = (wanted: string) => {
      const found = running.find(({ name }) => name === wanted);
      if (!found) throw new Error(`there is no ${wanted} on ${engine}`);
      return found;
    };
    const servers = { floor: findServer(FLOOR), service: findServer(SERVICE) };
    await measureMaxRates(servers.floor, options);
    const rates = await measureMaxRates(servers.service, options);
    const pairs = await measureAtHalf(servers, rates, options);
    const lines = ORDER.map((operation): Line => {
      const saturation = rates.get(operation)?.median ?? NaN;
      const each = (of: (pair: Pair) => number) => spread((pairs.get(operation) ?? []).map(of));
      const result = {
        floorP50Ms: each((pair) => pair.floor.p50Ms),
        serviceP50Ms: each((pair) => pair.service.p50Ms),
        floorP99Ms: each((pair) => pair.floor.p99Ms),
        serviceP99Ms: each((pair) => pair.service.p99Ms),
        addedP99Ms: each((pair) => pair.service.p99Ms - pair.floor.p99Ms),
      };
      const shown = Object.values(result).map((value) => withSpread(value, 1));
      return {
        cells: [engine, operation, saturation.toFixed(0), (saturation / 2).toFixed(0), ...shown],
        data: { engine, operation, saturation, ...result },
      };
    });
    return [{ title: 'Latency at half of saturation', head: HEAD, lines }];
  });

const HEAD = [
  'engine',
  'operation',
  'service maximum per s',
  'offered load per s',
  'floor p50 ms',
  'service p50 ms',
  'floor p99 ms',
  'service p99 ms',
  'p99 added ms',
];

/** The rates of answers when each answer is followed by the next request. */
async function measureMaxRates(server: RunningServer, options: Options): Promise<Rates> {
  const measured = new Map<Operation, number[]>(ORDER.map((operation) => [operation, []]));
  await forEachOperation(async (operation) => run(server, operation, options.warmUp, options));
  for (let i = 0; i < options.rounds; i += 1) {
    await forEachOperation(async (operation) => {
      const { perSecond } = await run(server, operation, options.count, options);
      measured.get(operation)?.push(perSecond);
    });
  }
  return new Map([...measured].map(([operation, rates]) => [operation, spread(rates)]));
}

async function measureAtHalf(
  servers: Record<keyof Pair, RunningServer>,
  rates: Rates,
  options: Options,
): Promise<ReadonlyMap<Operation, readonly Pair[]>> {
  const pairs = new Map<Operation, Pair[]>(ORDER.map((operation) => [operation, []]));
  for (let i = 0; i < options.rounds; i += 1) {
    await forEachOperation(async (operation) => {
      const half = (rates.get(operation)?.median ?? NaN) / 2;
      pairs.get(operation)?.push({
        floor: await run(servers.floor, operation, options.count, options, half),
        service: await run(servers.service, operation, options.count, options, half),
      });
    });
  }
  return pairs;
}

async function forEachOperation(work: (operation: Operation) => Promise<unknown>): Promise<void> {
  for (const operation of ORDER) await work(operation);
}

function run(
  server: RunningServer,
  operation: Operation,
  count: number,
  { connections: [connections = 1] }: Options,
  perSecond?: number,
): Promise<Measurement> {
  return server.run({ operation, count, connections, perSecond });
}
