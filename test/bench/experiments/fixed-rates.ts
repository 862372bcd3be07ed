import { startPostgres } from '../../support/services/postgres.js';
import { startRedis } from '../../support/services/redis.js';
import type { Experiment } from '../experiment.js';
import { ServiceStorage } from '../history/service-storage.js';
import type { LoadOptions } from '../load-job.js';
import type { DatabaseEngine, Options } from '../options.js';
import { mebibytes, type Line, type Table } from '../report.js';
import { RunningServer, type SharedResources } from '../running-server.js';
import { sampleDuring } from '../sampling.js';
import { service, type ServerEnvironment } from '../servers.js';
import {
  openDatabaseUsage,
  type DatabaseUsage,
  type DatabaseUsageReader,
} from '../usage/database-usage.js';
import {
  readUsage,
  sampleUsage,
  type Deployment,
  type DeploymentSample,
  type DeploymentUsage,
} from '../usage/deployment-usage.js';

const SAMPLE_MS = 1_000;
/** If more than 1 % of the flows take longer, the replicas do not sustain the rate. */
const MAX_P99_MS = 1_000;
const MAX_REPLICAS: Record<DatabaseEngine, number> = { sqlite: 1, postgres: 2 };

/** Resources at one rate. CPU time is in cores: seconds of CPU time per second. */
interface RateResult extends DeploymentSample {
  /** Sends per second, each with its verify: as planned, and as answered. */
  readonly rate: number;
  readonly reachedRate: number;
  readonly replicas: number;
  /** Of all replicas. */
  readonly serviceCores: number;
  /** CPU time of the service for a send and its verify. */
  readonly serviceMicros: number;
  readonly databaseCores: number;
  readonly redisCores: number;
  readonly redisBytes: number;
  /** From when the send was due to the answer to the verify. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What a service needs at fixed rates of sends, each followed by its verify. */
export const fixedRates: Experiment = async (engine, shared, options) => {
  const postgres = engine === 'postgres' ? await startPostgres() : undefined;
  // Replicas share their rate limits through Redis.
  const redis = engine === 'postgres' ? await startRedis() : undefined;
  const storage = await ServiceStorage.create(postgres);
  const environment = {
    folder: storage.folder,
    databaseUrl: storage.databaseUrl,
    redisUrl: redis?.url,
  };
  const replicas: RunningServer[] = [];
  let database: DatabaseUsageReader | undefined;
  try {
    replicas.push(await startReplica(shared, environment, options));
    database = await openDatabaseUsage(storage);
    const deployment: Deployment = { replicas, database, redisUrl: redis?.url };
    const before = await database.read();
    const firstNumber = shared.reserveNumbers(0);
    const results: RateResult[] = [];
    for (const rate of options.rates) {
      let result = await measure(deployment, rate, options);
      results.push(result);
      while (result.p99Ms > MAX_P99_MS && replicas.length < MAX_REPLICAS[engine]) {
        replicas.push(await startReplica(shared, environment, options));
        result = await measure(deployment, rate, options);
        results.push(result);
      }
    }
    const after = await database.read();
    const flows = shared.reserveNumbers(0) - firstNumber;
    return [rateTable(engine, results), sizeTable(engine, before, after, flows)];
  } finally {
    await database?.close();
    await Promise.all(replicas.map((replica) => replica.stop()));
    storage.remove();
    await Promise.all([postgres?.stop(), redis?.stop()]);
  }
};

/** Starts a replica and handles flows until its code is compiled. */
async function startReplica(
  shared: SharedResources,
  environment: Partial<ServerEnvironment>,
  options: Options,
): Promise<RunningServer> {
  const replica = await RunningServer.start(service, shared, environment);
  await replica.run({ ...loadOptions(options), operation: 'flow', count: options.warmUp });
  return replica;
}

const loadOptions = ({ connections: [connections = 1] }: Options): LoadOptions => ({
  connections,
  hasIdempotencyKey: true,
  hasEndUserIp: true,
});

/** Divides the rate among the replicas. */
async function measure(
  deployment: Deployment,
  rate: number,
  options: Options,
): Promise<RateResult> {
  const { replicas } = deployment;
  const perSecond = rate / replicas.length;
  const count = Math.max(1, Math.round(perSecond * options.seconds));
  const job = { ...loadOptions(options), operation: 'flow', count, perSecond } as const;
  const before = await readUsage(deployment);
  const work = Promise.all(replicas.map((replica) => replica.run(job)));
  const { samples, result } = await sampleDuring(work, SAMPLE_MS, () => sampleUsage(deployment));
  const after = await readUsage(deployment);
  const used = (of: (usage: DeploymentUsage) => number) => of(after) - of(before);
  const cores = (of: (usage: DeploymentUsage) => number) =>
    used(of) / used(({ atMs }) => atMs) / 1_000;
  const most = (values: readonly number[]) => Math.max(...values);
  return {
    rate,
    reachedRate: result.reduce((sum, one) => sum + one.perSecond, 0),
    replicas: replicas.length,
    serviceCores: cores(({ serviceMicros }) => serviceMicros),
    serviceMicros: used(({ serviceMicros }) => serviceMicros) / (count * replicas.length),
    databaseCores: cores(({ database }) => database.cpuMicros),
    redisCores: cores(({ redis }) => redis.cpuMicros),
    redisBytes: after.redis.rssBytes,
    rssBytes: most(samples.map(({ rssBytes }) => rssBytes)),
    connections: most(samples.map(({ connections }) => connections)),
    p50Ms: most(result.map(({ p50Ms }) => p50Ms)),
    p99Ms: most(result.map(({ p99Ms }) => p99Ms)),
  };
}

const shown = (value: number, digits: number): string =>
  Number.isNaN(value) ? '–' : value.toFixed(digits);

const COLUMNS: readonly (readonly [head: string, cell: (result: RateResult) => string])[] = [
  ['sends per s', ({ rate }) => String(rate)],
  ['reached per s', ({ reachedRate }) => shown(reachedRate, 0)],
  ['replicas', ({ replicas }) => String(replicas)],
  ['service cores', ({ serviceCores }) => shown(serviceCores, 3)],
  ['CPU µs a flow', ({ serviceMicros }) => shown(serviceMicros, 0)],
  ['MiB per replica', ({ rssBytes }) => mebibytes(rssBytes)],
  ['database cores', ({ databaseCores }) => shown(databaseCores, 3)],
  ['connections', ({ connections }) => String(connections)],
  ['Redis cores', ({ redisCores }) => shown(redisCores, 3)],
  ['Redis MiB', ({ redisBytes }) => (Number.isNaN(redisBytes) ? '–' : mebibytes(redisBytes))],
  ['p50 ms', ({ p50Ms }) => shown(p50Ms, 1)],
  ['p99 ms', ({ p99Ms }) => shown(p99Ms, 1)],
];

const rateTable = (engine: DatabaseEngine, results: readonly RateResult[]): Table => ({
  title: 'Resources at fixed rates',
  head: ['engine', ...COLUMNS.map(([head]) => head)],
  lines: results.map((result) => ({
    cells: [engine, ...COLUMNS.map(([, cell]) => cell(result))],
    data: { engine, ...result },
  })),
});

/** What each flow added to each table with its indexes. */
function sizeTable(
  engine: DatabaseEngine,
  before: DatabaseUsage,
  after: DatabaseUsage,
  flows: number,
): Table {
  const lines = [...after.tables].map(([table, bytes]): Line => {
    const bytesPerFlow = (bytes - (before.tables.get(table) ?? 0)) / flows;
    const cells = [engine, table, bytesPerFlow.toFixed(0)];
    return { cells, data: { engine, table, bytesPerFlow } };
  });
  return { title: 'Database size by table', head: ['engine', 'table', 'B per flow'], lines };
}
