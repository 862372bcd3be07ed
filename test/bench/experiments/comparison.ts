import type { Experiment } from '../experiment.js';
import { lineUp } from '../lineup.js';
import type { Options } from '../options.js';
import { profileEach } from '../profiles.js';
import { mebibytes, resultCells, resultHead, type Line, type Table } from '../report.js';
import { inTurns, resultOf, type Entrant } from '../rounds.js';
import type { RunningSubject } from '../running-subject.js';
import { FLOOR, subjects, type Subject } from '../subjects.js';

/** Every subject beside the floor, at each number of connections and with each size of bodies. */
export const comparison: Experiment = async (engine, stage, options) => {
  const wanted = subjects(options.against).filter((subject) => isWanted(subject, options));
  return lineUp(engine, wanted, stage, async (running) => {
    const idle = await Promise.all(running.map((subject) => subject.usage()));
    const entrants = running.flatMap((subject) => entrantsOf(subject, options));
    const rounds = await inTurns(entrants, options);
    const lines = entrants.flatMap((entrant) => {
      const { name, manner, operations } = entrant;
      const { connections, bodyBytes } = manner;
      const floor = entrants.find((other) => isFloorOf(entrant, other)) ?? entrant;
      return operations.map((operation): Line => {
        const result = resultOf(rounds, operation, entrant, floor);
        const size = bodyBytes === 0 ? 'small' : `${String(bodyBytes)} B`;
        return {
          cells: [engine, name, operation, String(connections), size, ...resultCells(result)],
          data: { engine, name, operation, ...manner, ...result },
        };
      });
    });
    const head = ['engine', 'subject', 'operation', 'connections', 'body', ...resultHead('floor')];
    return [
      { title: 'CPU time of a request', head, lines },
      await processes(
        engine,
        running,
        idle.map(({ rssBytes }) => rssBytes),
      ),
      ...(await profileEach(engine, entrants, options)),
    ];
  });
};

function isWanted({ variants }: Subject, { only }: Options): boolean {
  return variants.some(
    ({ name }) => name === FLOOR || only.length === 0 || only.some((part) => name.includes(part)),
  );
}

function entrantsOf(running: RunningSubject, { connections, bodies }: Options): Entrant[] {
  const { variants, operations } = running.subject;
  return variants.flatMap(({ name, keyed }) =>
    bodies.flatMap((bodyBytes) =>
      connections.map((count) => {
        const manner = { keyed, bodyBytes, connections: count };
        return { running, name, operations, manner };
      }),
    ),
  );
}

/** Whether the other is the floor asked in the same manner. */
function isFloorOf({ manner }: Entrant, other: Entrant): boolean {
  return (
    other.name === FLOOR &&
    other.manner.connections === manner.connections &&
    other.manner.bodyBytes === manner.bodyBytes
  );
}

async function processes(
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
    title: 'The processes',
    head: ['engine', 'subject', 'first answer ms', 'idle MiB', 'peak MiB'],
    lines: await Promise.all(lines),
  };
}
