import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Experiment } from './experiment.js';
import { comparison } from './experiments/comparison.js';
import { growth } from './experiments/growth.js';
import { halfLoad } from './experiments/half-load.js';
import { memory } from './experiments/memory.js';
import { readOptions, type Options } from './options.js';
import { Remote } from './remote.js';
import { joined, machine, type Table } from './report.js';
import type { Stage } from './running-subject.js';

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const upstream = Remote.start({ module: join(import.meta.dirname, 'upstream.js') });
  const load = Remote.start({ module: join(import.meta.dirname, 'load.js') });
  let numbers = 0;
  const stage: Stage = {
    upstream: await upstream.ask<string>('url'),
    load,
    takeNumbers: (count) => (numbers += count) - count,
  };
  try {
    const tables: Table[] = [];
    const experiment = chosen(options);
    for (const engine of options.engines)
      tables.push(...(await experiment(engine, stage, options)));
    const about = `${machine()}, npm run bench -- ${args.join(' ')}`;
    process.stdout.write(`${about}\n\n${joined(tables)}\n`);
    if (options.json !== undefined) {
      writeFileSync(options.json, JSON.stringify({ about, options, tables }, null, 2));
    }
  } finally {
    await Promise.all([upstream.stop(), load.stop()]);
  }
}

function chosen({ growth: sizes, halfLoad: half, flows }: Options): Experiment {
  if (sizes.length > 0) return growth;
  if (half) return halfLoad;
  return flows === undefined ? comparison : memory;
}

await main(process.argv.slice(2));
