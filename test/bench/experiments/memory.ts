import { setTimeout as delay } from 'node:timers/promises';
import type { Experiment } from '../experiment.js';
import { withServers } from '../with-servers.js';
import { mebibytes, type Line } from '../report.js';
import type { Measurement, RunningServer } from '../running-server.js';
import type { LoadOptions } from '../load-job.js';
import { sampleDuring } from '../sampling.js';
import { spread, type Spread } from '../statistics.js';
import { service } from '../servers.js';

const PARTS = 10;
const SAMPLE_MS = 250;

/** The memory of a process over several samples. */
interface MemoryUse {
  readonly rssBytes: Spread;
  readonly heapBytes: Spread;
}

/** The memory of the service before its first request and during many flows at saturation. */
export const memory: Experiment = (engine, shared, options) =>
  withServers(engine, [service], shared, async ([running]) => {
    if (!running) return [];
    const { flows = 0, connections } = options;
    const loadOptions: LoadOptions = { connections: connections[0] ?? 1, hasIdempotencyKey: true };
    const lines = [toLine(engine, 'idle', (await sampleMemory(running, delay(4 * SAMPLE_MS))).use)];
    const count = Math.ceil(flows / PARTS);
    for (let part = 1; part <= PARTS; part += 1) {
      const work = running.run({ ...loadOptions, operation: 'flow', count });
      const { use, result } = await sampleMemory(running, work);
      lines.push(toLine(engine, String(part * count), use, result));
    }
    return [{ title: 'Memory over many flows', head: HEAD, lines }];
  });

const HEAD = [
  'engine',
  'flows so far',
  'resident MiB',
  'heap used MiB',
  'CPU µs a flow',
  'flows per s',
];

function toLine(engine: string, flows: string, use: MemoryUse, measurement?: Measurement): Line {
  return {
    cells: [
      engine,
      flows,
      inMebibytes(use.rssBytes),
      inMebibytes(use.heapBytes),
      measurement?.cpuMicrosPerRequest.toFixed(0) ?? '–',
      measurement?.perSecond.toFixed(0) ?? '–',
    ],
    data: { engine, flows, ...use, ...measurement },
  };
}

const inMebibytes = ({ median, least, most }: Spread): string =>
  `${mebibytes(median)} (${mebibytes(least)}–${mebibytes(most)})`;

/** Samples the memory of the process until the work is done. */
async function sampleMemory<T>(
  running: RunningServer,
  work: Promise<T>,
): Promise<{ use: MemoryUse; result: T }> {
  const { samples, result } = await sampleDuring(work, SAMPLE_MS, () => running.usage());
  return {
    use: {
      rssBytes: spread(samples.map(({ rssBytes }) => rssBytes)),
      heapBytes: spread(samples.map(({ heapBytes }) => heapBytes)),
    },
    result,
  };
}
