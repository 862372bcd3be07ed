import type { Experiment } from '../experiment.js';
import { withServers } from '../with-servers.js';
import type { Options } from '../options.js';
import { profileEach } from '../profiles.js';
import { mebibytes, resultCells, resultHead, type Line, type Table } from '../report.js';
import { measureInTurns, summarize, type BenchCase } from '../rounds.js';
import type { RunningServer } from '../running-server.js';
import { FLOOR, servers, type BenchServer } from '../servers.js';

/** Compares every server with the floor, for each number of connections and body size. */
export const comparison: Experiment = async (engine, shared, options) => {
  const wanted = servers(options).filter((server) => isWanted(server, options));
  return withServers(engine, wanted, shared, async (running) => {
    const idle = await Promise.all(running.map((server) => server.usage()));
    const cases = running.flatMap((server) => casesOf(server, options));
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
    const head = ['engine', 'server', 'operation', 'connections', 'body', ...resultHead('floor')];
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

function isWanted({ variants }: BenchServer, { only }: Options): boolean {
  return variants.some(
    ({ name }) => name === FLOOR || only.length === 0 || only.some((part) => name.includes(part)),
  );
}

function casesOf(running: RunningServer, { connections, bodies }: Options): BenchCase[] {
  const { variants, operations } = running.server;
  return variants.flatMap(({ name, hasIdempotencyKey }) =>
    bodies.flatMap((bodyBytes) =>
      connections.map((count) => {
        const loadOptions = { hasIdempotencyKey, bodyBytes, connections: count };
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
  running: readonly RunningServer[],
  idle: readonly number[],
): Promise<Table> {
  const lines = running.map(async (server, i): Promise<Line> => {
    const { name, firstAnswerMs } = server;
    const { peakRssBytes: peakBytes } = await server.usage();
    const idleBytes = idle[i] ?? NaN;
    return {
      cells: [engine, name, firstAnswerMs.toFixed(0), mebibytes(idleBytes), mebibytes(peakBytes)],
      data: { engine, name, firstAnswerMs, idleBytes, peakBytes },
    };
  });
  return {
    title: 'Processes',
    head: ['engine', 'server', 'first answer ms', 'idle MiB', 'peak MiB'],
    lines: await Promise.all(lines),
  };
}
