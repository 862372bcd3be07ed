import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../support/engines/postgres.js';
import { compare, type Comparison } from './compare.js';
import { readOptions, type EngineName, type Options } from './options.js';
import { Remote } from './remote.js';
import { machine, processTable, table } from './report.js';
import { RunningSubject, type Stage } from './running-subject.js';
import { FLOOR, subjects, type Subject } from './subjects.js';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(options: Options): Promise<void> {
  if (options.profiles !== undefined) mkdirSync(options.profiles, { recursive: true });
  const upstream = Remote.start({ module: join(import.meta.dirname, 'upstream.js') });
  const load = Remote.start({ module: join(import.meta.dirname, 'load.js') });
  let numbers = 0;
  const stage: Stage = {
    upstream: await upstream.ask<string>('url'),
    load,
    takeNumbers: (count) => (numbers += count) - count,
  };
  try {
    const comparisons: Comparison[] = [];
    for (const engine of options.engines) comparisons.push(await onEngine(engine, stage, options));
    const lines = comparisons.flatMap((comparison) => comparison.lines);
    const processes = comparisons.flatMap((comparison) => comparison.processes);
    say(`${machine()}\n\n${table(lines)}\n\n${processTable(processes)}`);
    if (options.json !== undefined) {
      writeFileSync(
        options.json,
        JSON.stringify({ machine: machine(), options, lines, processes }, null, 2),
      );
    }
  } finally {
    await Promise.all([upstream.stop(), load.stop()]);
  }
}

/** Starts whoever can use the engine, and compares them. */
async function onEngine(engine: EngineName, stage: Stage, options: Options): Promise<Comparison> {
  const server = engine === 'postgres' ? await startPostgres() : undefined;
  const candidates = subjects(options.against);
  const running: RunningSubject[] = [];
  try {
    for (const subject of candidates.filter((candidate) => isWanted(candidate, engine, options))) {
      const databaseUrl = await server?.createDatabase();
      running.push(await RunningSubject.start(subject, stage, { databaseUrl }));
    }
    return await compare(engine, running, options);
  } finally {
    await Promise.all(running.map((subject) => subject.stop()));
    await server?.stop();
  }
}

function isWanted({ engines, variants }: Subject, engine: EngineName, { only }: Options): boolean {
  const named = variants.some(
    ({ name }) => name === FLOOR || only.length === 0 || only.some((part) => name.includes(part)),
  );
  return named && engines.includes(engine);
}

await main(readOptions(process.argv.slice(2)));
