import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calibrate, toCalibrationTable } from './calibration.js';
import type { Experiment } from './experiment.js';
import { comparison } from './experiments/comparison.js';
import { fixedRates } from './experiments/fixed-rates.js';
import { growth } from './experiments/growth.js';
import { halfLoad } from './experiments/half-load.js';
import { memory } from './experiments/memory.js';
import { readOptions, type Options } from './options.js';
import { WorkerProcess } from './worker-process.js';
import { describeMachine, formatTables, type Table } from './report.js';
import type { SharedResources } from './running-server.js';

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const upstream = WorkerProcess.start({ module: join(import.meta.dirname, 'upstream.js') });
  const load = WorkerProcess.start({ module: join(import.meta.dirname, 'load.js') });
  let usedNumbers = 0;
  const shared: SharedResources = {
    upstream: await upstream.request<string>('url'),
    load,
    reserveNumbers: (count) => (usedNumbers += count) - count,
  };
  try {
    const tables: Table[] = [toCalibrationTable(await calibrate())];
    const experiment = chooseExperiment(options);
    for (const engine of options.engines)
      tables.push(...(await experiment(engine, shared, options)));
    const about = `${describeMachine()}, npm run bench -- ${args.join(' ')}`;
    process.stdout.write(`${about}\n\n${formatTables(tables)}\n`);
    if (options.json !== undefined) {
      writeFileSync(options.json, JSON.stringify({ about, options, tables }, null, 2));
    }
  } finally {
    await Promise.all([upstream.stop(), load.stop()]);
  }
}

function chooseExperiment({ growth: sizes, halfLoad: half, flows, rates }: Options): Experiment {
  if (rates.length > 0) return fixedRates;
  if (sizes.length > 0) return growth;
  if (half) return halfLoad;
  return flows === undefined ? comparison : memory;
}

await main(process.argv.slice(2));
