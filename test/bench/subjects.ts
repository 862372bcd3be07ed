import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DialectName } from './dialects.js';
import type { EngineName } from './options.js';
import type { Launch } from './remote.js';
import { OPERATIONS, type Operation } from './slice.js';

/** What a subject finds. */
export interface Surroundings {
  readonly port: number;
  readonly upstream: string;
  /** A folder of its own. */
  readonly folder: string;
  /** An empty database of its own; without it, it keeps its records in the folder. */
  readonly databaseUrl: string | undefined;
}

/** A way of asking a subject. */
interface Variant {
  readonly name: string;
  readonly keyed: boolean;
}

export interface Subject {
  readonly dialect: DialectName;
  readonly variants: readonly Variant[];
  readonly engines: readonly EngineName[];
  readonly operations: readonly Operation[];
  readonly bearer?: string;
  launch(surroundings: Surroundings): Launch;
}

/** This folder, as built. */
const BUILD = import.meta.dirname;
const BENCH = join(BUILD, '../..');
const ROOT = join(BENCH, '../..');

export const FLOOR = 'floor';
export const SERVICE = 'service';

const API_KEY = 'otp_of_the_bench_and_of_no_use_elsewhere';

/** Node's options in `npm run start:prod`. */
function startOptions(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { 'start:prod': string };
  };
  return scripts['start:prod'].match(/(?<= )--\S+/g) ?? [];
}

/**
 * As in production, every feature on, with limits that a benchmark does not reach.
 * @param build the folder of its `main.js`.
 */
const serviceOf = (name: string, build: string): Subject => ({
  dialect: 'otp',
  variants: [
    { name, keyed: false },
    { name: `${name}, idempotency key`, keyed: true },
  ],
  engines: ['sqlite', 'postgres'],
  operations: OPERATIONS,
  bearer: API_KEY,
  launch: ({ port, upstream, folder, databaseUrl }) => ({
    module: join(build, 'main.js'),
    options: startOptions(),
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
    },
  }),
});

export const floor: Subject = {
  dialect: 'otp',
  variants: [{ name: FLOOR, keyed: false }],
  engines: ['sqlite', 'postgres'],
  operations: OPERATIONS,
  launch: ({ port, upstream, folder, databaseUrl }) => ({
    module: join(BUILD, 'subjects/floor.js'),
    env: {
      NODE_ENV: 'production',
      PORT: String(port),
      UPSTREAM: upstream,
      DATA_DIR: folder,
      ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
    },
  }),
};

/** It knows no engine, so it is measured beside one only. */
const peer = (
  name: string,
  file: string,
  given: Pick<Subject, 'dialect' | 'operations'>,
): Subject => ({
  ...given,
  variants: [{ name, keyed: false }],
  engines: ['sqlite'],
  launch: ({ port, upstream }) => ({
    module: join(BENCH, 'subjects', file),
    env: { NODE_ENV: 'production', PORT: String(port), UPSTREAM: upstream },
  }),
});

export const service = serviceOf(SERVICE, join(ROOT, 'dist'));

/** @param against another build of the service, to be measured beside this one. */
export const subjects = (against: string | undefined): readonly Subject[] => [
  floor,
  service,
  ...(against === undefined ? [] : [serviceOf(`other ${SERVICE}`, resolve(against))]),
  peer('Express, axios, a map', 'tutorial.mjs', { dialect: 'otp', operations: OPERATIONS }),
  // Its memory adapter searches all codes that wait: only where each is used at once is it at its best.
  peer('better-auth, in memory', 'better-auth.mjs', {
    dialect: 'betterAuth',
    operations: ['flow'],
  }),
];
