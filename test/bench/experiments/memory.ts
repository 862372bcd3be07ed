import { setTimeout as delay } from 'node:timers/promises';
import type { Experiment } from '../experiment.js';
import { lineUp } from '../lineup.js';
import { mebibytes, type Line } from '../report.js';
import type { Measurement, RunningSubject } from '../running-subject.js';
import type { Manner } from '../slice.js';
import { spread, type Spread } from '../statistics.js';
import { service } from '../subjects.js';

const PARTS = 10;
const SAMPLE_MS = 250;

/** What a process held while it was watched. */
interface Held {
  readonly rssBytes: Spread;
  readonly heapBytes: Spread;
}

/** What the service holds before its first request, and while many flows pass at saturation. */
export const memory: Experiment = (engine, stage, options) =>
  lineUp(engine, [service], stage, async ([running]) => {
    if (!running) return [];
    const { flows = 0, connections } = options;
    const manner: Manner = { connections: connections[0] ?? 1, keyed: true };
    const lines = [lineOf(engine, 'idle', (await watched(running, delay(4 * SAMPLE_MS))).held)];
    const count = Math.ceil(flows / PARTS);
    for (let part = 1; part <= PARTS; part += 1) {
      const work = running.run({ ...manner, operation: 'flow', count });
      const { held, result } = await watched(running, work);
      lines.push(lineOf(engine, String(part * count), held, result));
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

function lineOf(engine: string, flows: string, held: Held, seen?: Measurement): Line {
  return {
    cells: [
      engine,
      flows,
      inMebibytes(held.rssBytes),
      inMebibytes(held.heapBytes),
      seen?.cpuMicrosPerRequest.toFixed(0) ?? '–',
      seen?.perSecond.toFixed(0) ?? '–',
    ],
    data: { engine, flows, ...held, ...seen },
  };
}

const inMebibytes = ({ median, least, most }: Spread): string =>
  `${mebibytes(median)} (${mebibytes(least)}–${mebibytes(most)})`;

/** Looks at the process again and again until the work is done. */
async function watched<T>(
  running: RunningSubject,
  work: Promise<T>,
): Promise<{ held: Held; result: T }> {
  const samples = [await running.usage()];
  const ended = work.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([ended, delay(SAMPLE_MS, false)]))) {
    samples.push(await running.usage());
  }
  return {
    held: {
      rssBytes: spread(samples.map(({ rssBytes }) => rssBytes)),
      heapBytes: spread(samples.map(({ heapBytes }) => heapBytes)),
    },
    result: await work,
  };
}
