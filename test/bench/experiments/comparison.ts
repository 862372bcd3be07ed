import type { Experiment } from '../experiment.js';
import { withSubjects } from '../with-subjects.js';
import type { Options } from '../options.js';
import { profileEach } from '../profiles.js';
import { mebibytes, resultCells, resultHead, type Line, type Table } from '../report.js';
import { measureInTurns, summarize, type BenchCase } from '../rounds.js';
import type { RunningSubject } from '../running-subject.js';
import { FLOOR, subjects, type Subject } from '../subjects.js';

/** Compares every subject with the floor, for each number of connections and body size. */
export const comparison: Experiment = async (engine, context, options) => {
  const wanted = subjects(options.against).filter((subject) => isWanted(subject, options));
  return withSubjects(engine, wanted, context, async (running) => {
    const idle = await Promise.all(running.map((subject) => subject.usage()));
    const cases = running.flatMap((subject) => casesOf(subject, options));
    const rounds = await measureInTurns(cases, options);
    const lines = cases.flatMap((benchCase) => {
      const { name, loadOptions, operations } = benchCase;
      const { connections, bodyBytes } = loadOptions;
      const floor = cases.find((other) => isFloorOf(benchCase, other)) ?? benchCase;
      return operations.map((operation): Line => {
        const result = summarize(rounds, operation, benchCase, floor);
        const size = bodyBytes === 0 ? 'small' : `${String(bodyBytes)} B`;
        return {
          cells: [engine, name, operation, String(connections), size, ...resultCells(result)],
          data: { engine, name, operation, ...loadOptions, ...result },
        };
      });
    });
    const head = ['engine', 'subject', 'operation', 'connections', 'body', ...resultHead('floor')];
    return [
      { title: 'CPU time of a request', head, lines },
      await processTable(
        engine,
        running,
        idle.map(({ rssBytes }) => rssBytes),
      ),
      ...(await profileEach(engine, cases, options)),
    ];
  });
};

function isWanted({ variants }: Subject, { only }: Options): boolean {
  return variants.some(
    ({ name }) => name === FLOOR || only.length === 0 || only.some((part) => name.includes(part)),
  );
}

function casesOf(running: RunningSubject, { connections, bodies }: Options): BenchCase[] {
  const { variants, operations } = running.subject;
  return variants.flatMap(({ name, keyed }) =>
    bodies.flatMap((bodyBytes) =>
      connections.map((count) => {
        const loadOptions = { keyed, bodyBytes, connections: count };
        return { running, name, operations, loadOptions };
      }),
    ),
  );
}

/** Whether the other case is the floor with the same load options. */
function isFloorOf({ loadOptions }: BenchCase, other: BenchCase): boolean {
  return (
    other.name === FLOOR &&
    other.loadOptions.connections === loadOptions.connections &&
    other.loadOptions.bodyBytes === loadOptions.bodyBytes
  );
}

async function processTable(
  engine: string,
  running: readonly RunningSubject[],
  idle: readonly number[],
): Promise<Table> {
  const lines = running.map(async (subject, i): Promise<Line> => {
    const { name, startMs } = subject;
    const { peakRssBytes: peakBytes } = await subject.usage();
    const idleBytes = idle[i] ?? NaN;
    return {
      cells: [engine, name, startMs.toFixed(0), mebibytes(idleBytes), mebibytes(peakBytes)],
      data: { engine, name, startMs, idleBytes, peakBytes },
    };
  });
  return {
    title: 'Processes',
    head: ['engine', 'subject', 'first answer ms', 'idle MiB', 'peak MiB'],
    lines: await Promise.all(lines),
  };
}
