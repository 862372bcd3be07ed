import { startPostgres } from '../../support/services/postgres.js';
import type { Experiment } from '../experiment.js';
import { fill } from '../history/fill.js';
import { Place } from '../history/place.js';
import type { EngineName, Options } from '../options.js';
import { mebibytes, resultCells, resultHead, type Line, type Table } from '../report.js';
import { inTurns, resultOf, type Entrant } from '../rounds.js';
import { RunningSubject, type Stage } from '../running-subject.js';
import type { Manner } from '../slice.js';
import { service } from '../subjects.js';

/** Larger ones take too long to fill. */
const MOST: Record<EngineName, number> = { sqlite: Infinity, postgres: 1_000_000 };

/** What the service itself writes, for the history to be copied from: a number of each prefix. */
const SEEDS = { verified: 6_400, unverified: 1_600 };

/** A service with so many verifications behind it. */
interface Aged extends Entrant {
  readonly verifications: number;
  readonly databaseBytes: number;
  readonly idleBytes: number;
}

/** What a send and a verify cost the more history there is, beside the least history. */
export const growth: Experiment = async (engine, stage, options) => {
  const server = engine === 'postgres' ? await startPostgres() : undefined;
  const places: Place[] = [];
  const aged: Aged[] = [];
  try {
    for (const verifications of options.growth.filter((size) => size <= MOST[engine])) {
      const place = await Place.create(server);
      places.push(place);
      process.stderr.write(`${engine}: a history of ${grouped(verifications)} verifications\n`);
      aged.push(await age(place, verifications, stage, options));
    }
    return await measure(engine, aged, options);
  } finally {
    await Promise.all(aged.map(({ running }) => running.stop()));
    for (const place of places) place.remove();
    await server?.stop();
  }
};

/** Lets the service make its tables and write for itself, and starts it again with a history. */
async function age(
  place: Place,
  verifications: number,
  stage: Stage,
  { connections: [connections = 1] }: Options,
): Promise<Aged> {
  const manner: Manner = { connections, keyed: true, endUsers: true };
  const young = await RunningSubject.start(service, stage, place);
  try {
    await young.run({ ...manner, operation: 'flow', count: SEEDS.verified });
    await young.run({ ...manner, operation: 'send', count: SEEDS.unverified });
  } finally {
    await young.stop();
  }
  const databaseBytes = await history(place, verifications);
  const running = await RunningSubject.start(service, stage, place);
  const { rssBytes: idleBytes } = await running.usage();
  const operations = ['send', 'verify'] as const;
  const { name } = running;
  return { running, name, manner, operations, verifications, databaseBytes, idleBytes };
}

/** @returns how large the database is then. */
async function history(place: Place, verifications: number): Promise<number> {
  const database = await place.open();
  try {
    await fill(database, verifications);
    return await database.settle();
  } finally {
    await database.close();
  }
}

async function measure(
  engine: EngineName,
  aged: readonly Aged[],
  options: Options,
): Promise<Table[]> {
  const rounds = await inTurns(aged, options);
  const lines = aged.flatMap((one) =>
    one.operations.map((operation): Line => {
      const { verifications } = one;
      const result = resultOf(rounds, operation, one, aged[0] ?? one);
      return {
        cells: [engine, grouped(verifications), operation, ...resultCells(result)],
        data: { engine, verifications, operation, ...result },
      };
    }),
  );
  const head = ['engine', 'history', 'operation', ...resultHead('the first')];
  return [
    { title: 'CPU time of a request by verifications of history', head, lines },
    await processes(engine, aged),
  ];
}

async function processes(engine: EngineName, aged: readonly Aged[]): Promise<Table> {
  const lines = aged.map(async (one): Promise<Line> => {
    const { verifications, databaseBytes, idleBytes, running } = one;
    const { rssBytes, peakRssBytes: peakBytes } = await running.usage();
    const bytes = [databaseBytes, idleBytes, rssBytes, peakBytes];
    return {
      cells: [engine, grouped(verifications), running.startMs.toFixed(0), ...bytes.map(mebibytes)],
      data: {
        engine,
        verifications,
        startMs: running.startMs,
        databaseBytes,
        idleBytes,
        rssBytes,
        peakBytes,
      },
    };
  });
  return {
    title: 'The services with it',
    head: [
      'engine',
      'history',
      'first answer ms',
      'database MiB',
      'idle MiB',
      'loaded MiB',
      'peak MiB',
    ],
    lines: await Promise.all(lines),
  };
}

const grouped = (count: number): string => count.toLocaleString('en');
