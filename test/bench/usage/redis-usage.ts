import { Redis } from 'ioredis';

/** The resource usage of a Redis server at one moment. */
export interface RedisUsage {
  /** Since its start, in microseconds. */
  readonly cpuMicros: number;
  /** Of its process, resident. */
  readonly rssBytes: number;
}

export async function readRedisUsage(url: string): Promise<RedisUsage> {
  const redis = new Redis(url);
  try {
    const info = await redis.info();
    const field = (name: string) => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]);
    return {
      cpuMicros: (field('used_cpu_user') + field('used_cpu_sys')) * 1_000_000,
      rssBytes: field('used_memory_rss'),
    };
  } finally {
    redis.disconnect();
  }
}
