import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ServerApiName } from './server-apis.js';
import type { DatabaseEngine, Options } from './options.js';
import type { ProcessOptions } from './worker-process.js';
import { OPERATIONS, type Operation } from './load-job.js';

/** What a server's process is started with. */
export interface ServerEnvironment {
  readonly port: number;
  readonly upstream: string;
  /** A folder for its data. */
  readonly folder: string;
  /** An empty PostgreSQL database; without it, the data is in the folder. */
  readonly databaseUrl: string | undefined;
  /** A Redis that replicas share; without it, each counts its own requests. */
  readonly redisUrl?: string | undefined;
}

/** Requests to a server that are measured apart, with or without an idempotency key. */
interface Variant {
  readonly name: string;
  readonly hasIdempotencyKey: boolean;
}

/** A server to measure: the floor, the service or an alternative. */
export interface BenchServer {
  readonly api: ServerApiName;
  readonly variants: readonly Variant[];
  readonly engines: readonly DatabaseEngine[];
  readonly operations: readonly Operation[];
  readonly bearer?: string;
  launch(environment: ServerEnvironment): ProcessOptions;
}

/** The built files of the bench. */
const BUILD = import.meta.dirname;
const BENCH = join(BUILD, '../..');
const ROOT = join(BENCH, '../..');
const NEST_TUTORIAL = join(BENCH, '.build/nestjs/main.js');

/** The least that a send and a verify can cost; the other servers are compared with it. */
export const FLOOR = 'floor';
export const SERVICE = 'service';

const API_KEY = 'otp_of_the_bench_and_of_no_use_elsewhere';

/** Node's options in `npm run start:prod` of a build; those of today if no manifest is beside it. */
function getStartOptions(build: string): string[] {
  const manifests = [join(build, '../package.json'), join(ROOT, 'package.json')];
  const manifest = manifests.find((path) => existsSync(path));
  const { scripts } = JSON.parse(readFileSync(manifest ?? '', 'utf8')) as {
    scripts: { 'start:prod': string };
  };
  return scripts['start:prod'].match(/(?<= )--\S+/g) ?? [];
}

/**
 * The service with production settings, its default features, and limits that no load reaches.
 * @param build the folder of its `main.js`
 * @param settings settings that are added, or that replace those below
 */
const serviceOf = (
  name: string,
  build: string,
  settings: Readonly<Record<string, string>> = {},
): BenchServer => ({
  api: 'otp',
  variants: [
    { name, hasIdempotencyKey: false },
    { name: `${name}, idempotency key`, hasIdempotencyKey: true },
  ],
  engines: ['sqlite', 'postgres'],
  operations: OPERATIONS,
  bearer: API_KEY,
  launch: ({ port, upstream, folder, databaseUrl, redisUrl }) => ({
    module: join(build, 'main.js'),
    options: getStartOptions(build),
    env: {
      NODE_ENV: 'production',
      PORT: String(port),
      DATA_DIR: folder,
      OTP_SECRET: 'a secret of the bench that is of no use elsewhere',
      API_KEYS: `bench:${createHash('sha256').update(API_KEY).digest('hex')}`,
      INFOBIP_BASE_URL: upstream,
      INFOBIP_API_KEY: 'key',
      INFOBIP_APP_ID: 'application',
      INFOBIP_MESSAGE_ID: 'message',
      THROTTLE_SEND_LIMIT: '1000000',
      THROTTLE_VERIFY_LIMIT: '1000000',
      CLIENT_SENDS_PER_DAY: '100000000',
      PROVIDER_MAX_IN_FLIGHT: '1000',
      PUMPING_FLOOR_PER_HOUR: '1000000',
      PUMPING_FLOOR_PER_DAY: '1000000',
      ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
      ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
      ...settings,
    },
  }),
});

export const floor: BenchServer = {
  api: 'otp',
  variants: [{ name: FLOOR, hasIdempotencyKey: false }],
  engines: ['sqlite', 'postgres'],
  operations: OPERATIONS,
  launch: ({ port, upstream, folder, databaseUrl }) => ({
    module: join(BUILD, 'servers/floor.js'),
    env: {
      NODE_ENV: 'production',
      PORT: String(port),
      UPSTREAM: upstream,
      DATA_DIR: folder,
      ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
    },
  }),
};

/** An alternative without a database is measured once, beside the servers on SQLite. */
const alternative = (
  name: string,
  module: string,
  {
    api = 'otp',
    operations = OPERATIONS,
    engine = 'sqlite',
  }: Partial<Pick<BenchServer, 'api' | 'operations'>> & { engine?: DatabaseEngine } = {},
): BenchServer => ({
  api,
  operations,
  variants: [{ name, hasIdempotencyKey: false }],
  engines: [engine],
  launch: ({ port, upstream, databaseUrl }) => ({
    module,
    env: {
      NODE_ENV: 'production',
      PORT: String(port),
      UPSTREAM: upstream,
      ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
    },
  }),
});

const DIST = join(ROOT, 'dist');

export const service = serviceOf(SERVICE, DIST);

/** Stores every message for its delivery report, but the upstream sends no reports. */
const serviceWithReports = serviceOf(`${SERVICE}, delivery reports`, DIST, {
  INFOBIP_REPORT_TOKEN: 'a-token-of-the-bench',
});

/** The floor, the service, what the options add, and the alternatives. */
export const servers = ({
  against,
  reports,
}: Pick<Options, 'against' | 'reports'>): readonly BenchServer[] => [
  floor,
  service,
  ...(reports ? [serviceWithReports] : []),
  ...(against === undefined ? [] : [serviceOf(`other ${SERVICE}`, resolve(against))]),
  alternative('Express, axios, a map', join(BENCH, 'servers/tutorial.mjs')),
  alternative('NestJS tutorial, a map', NEST_TUTORIAL),
  alternative('NestJS tutorial, TypeORM', NEST_TUTORIAL, { engine: 'postgres' }),
  // Its memory adapter searches all pending codes, so only flows, which verify immediately, are fair.
  alternative('better-auth, in memory', join(BENCH, 'servers/better-auth.mjs'), {
    api: 'betterAuth',
    operations: ['flow'],
  }),
];
