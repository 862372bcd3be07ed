import type { RunningServer } from '../running-server.js';
import type { DatabaseUsage, DatabaseUsageReader } from './database-usage.js';
import { readRedisUsage, type RedisUsage } from './redis-usage.js';

/** The replicas of a service with their database and Redis. */
export interface Deployment {
  readonly replicas: readonly RunningServer[];
  readonly database: DatabaseUsageReader;
  /** `undefined` if the replicas share no Redis. */
  readonly redisUrl: string | undefined;
}

/** Read before and after a load test. The difference of the CPU times is what the test used. */
export interface DeploymentUsage {
  readonly atMs: number;
  /** CPU time of all replicas since their start, in microseconds. */
  readonly serviceMicros: number;
  readonly database: DatabaseUsage;
  readonly redis: RedisUsage;
}

/** Values that rise and fall during a load test, so they are sampled repeatedly. */
export interface DeploymentSample {
  /** Resident memory of the largest replica. */
  readonly rssBytes: number;
  /** Open connections of all replicas to the database. */
  readonly connections: number;
}

const NO_REDIS: RedisUsage = { cpuMicros: NaN, rssBytes: NaN };

export async function readUsage(deployment: Deployment): Promise<DeploymentUsage> {
  const { replicas, database, redisUrl } = deployment;
  const usages = await Promise.all(replicas.map((replica) => replica.usage()));
  return {
    atMs: performance.now(),
    serviceMicros: usages.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0),
    database: await database.read(),
    redis: redisUrl === undefined ? NO_REDIS : await readRedisUsage(redisUrl),
  };
}

export async function sampleUsage({ replicas, database }: Deployment): Promise<DeploymentSample> {
  const usages = await Promise.all(replicas.map((replica) => replica.usage()));
  const rssBytes = Math.max(...usages.map((usage) => usage.rssBytes));
  return { rssBytes, connections: await database.countConnections() };
}
