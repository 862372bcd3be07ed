import { startPostgres } from '../../support/services/postgres.js';
import type { Experiment } from '../experiment.js';
import { fillHistory } from '../history/fill.js';
import { ServiceStorage } from '../history/service-storage.js';
import type { DatabaseEngine, Options } from '../options.js';
import { mebibytes, resultCells, resultHead, type Line, type Table } from '../report.js';
import { measureInTurns, summarize, type BenchCase } from '../rounds.js';
import { RunningServer, type SharedResources } from '../running-server.js';
import type { LoadOptions } from '../load-job.js';
import { service } from '../servers.js';

/** The largest history of each engine. Larger ones take too long to fill. */
const MAX_VERIFICATIONS: Record<DatabaseEngine, number> = { sqlite: Infinity, postgres: 1_000_000 };

/** Verifications that the service itself writes. The history consists of copies of them. */
const SEED_COUNTS = { verified: 6_400, unverified: 1_600 };

/** A running service, and the size of its history. */
interface ServiceWithHistory extends BenchCase {
  readonly verifications: number;
  readonly databaseBytes: number;
  readonly idleBytes: number;
}

/** The cost of a send and a verify by size of the history, relative to the first size. */
export const growth: Experiment = async (engine, shared, options) => {
  const postgres = engine === 'postgres' ? await startPostgres() : undefined;
  const storages: ServiceStorage[] = [];
  const services: ServiceWithHistory[] = [];
  try {
    for (const verifications of options.growth.filter(
      (size) => size <= MAX_VERIFICATIONS[engine],
    )) {
      const storage = await ServiceStorage.create(postgres);
      storages.push(storage);
      process.stderr.write(`${engine}: a history of ${grouped(verifications)} verifications\n`);
      services.push(await startWithHistory(storage, verifications, shared, options));
    }
    return await measure(engine, services, options);
  } finally {
    await Promise.all(services.map(({ running }) => running.stop()));
    for (const storage of storages) storage.remove();
    await postgres?.stop();
  }
};

/** Lets the service create its tables and seed rows, then restarts it with a history. */
async function startWithHistory(
  storage: ServiceStorage,
  verifications: number,
  shared: SharedResources,
  { connections: [connections = 1] }: Options,
): Promise<ServiceWithHistory> {
  const loadOptions: LoadOptions = { connections, hasIdempotencyKey: true, hasEndUserIp: true };
  const seeded = await RunningServer.start(service, shared, storage);
  try {
    await seeded.run({ ...loadOptions, operation: 'flow', count: SEED_COUNTS.verified });
    await seeded.run({ ...loadOptions, operation: 'send', count: SEED_COUNTS.unverified });
  } finally {
    await seeded.stop();
  }
  const databaseBytes = await writeHistory(storage, verifications);
  const running = await RunningServer.start(service, shared, storage);
  const { rssBytes: idleBytes } = await running.usage();
  const operations = ['send', 'verify'] as const;
  const { name } = running;
  return { running, name, loadOptions, operations, verifications, databaseBytes, idleBytes };
}

/** @returns the size of the database in bytes */
async function writeHistory(storage: ServiceStorage, verifications: number): Promise<number> {
  const database = await storage.open();
  try {
    await fillHistory(database, verifications);
    return await database.flushAndGetSize();
  } finally {
    await database.close();
  }
}

async function measure(
  engine: DatabaseEngine,
  services: readonly ServiceWithHistory[],
  options: Options,
): Promise<Table[]> {
  const rounds = await measureInTurns(services, options);
  const lines = services.flatMap((one) =>
    one.operations.map((operation): Line => {
      const { verifications } = one;
      const result = summarize(rounds, operation, one, services[0] ?? one);
      return {
        cells: [engine, grouped(verifications), operation, ...resultCells(result)],
        data: { engine, verifications, operation, ...result },
      };
    }),
  );
  const head = ['engine', 'history', 'operation', ...resultHead('the first')];
  return [
    { title: 'CPU time of a request by verifications of history', head, lines },
    await processTable(engine, services),
  ];
}

async function processTable(
  engine: DatabaseEngine,
  services: readonly ServiceWithHistory[],
): Promise<Table> {
  const lines = services.map(async (one): Promise<Line> => {
    const { verifications, databaseBytes, idleBytes, running } = one;
    const { firstAnswerMs } = running;
    const { rssBytes, peakRssBytes: peakBytes } = await running.usage();
    const bytes = [databaseBytes, idleBytes, rssBytes, peakBytes];
    return {
      cells: [engine, grouped(verifications), firstAnswerMs.toFixed(0), ...bytes.map(mebibytes)],
      data: {
        engine,
        verifications,
        firstAnswerMs,
        databaseBytes,
        idleBytes,
        rssBytes,
        peakBytes,
      },
    };
  });
  return {
    title: 'Services with a history',
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
