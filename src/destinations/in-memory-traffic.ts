import { getFirstRecentBucket, toBucket, WINDOWS } from '../storage/time-buckets.js';
import type { DestinationCounts, SendCounts } from '../storage/limit.types.js';

type TrafficBuckets = Map<number, SendCounts>;
type TrafficHistory = Omit<DestinationCounts, 'recent'>;

/** The traffic of destinations in memory, in the same buckets and windows as in the store. */
export class InMemoryTraffic {
  private readonly bucketsByKey = new Map<string, TrafficBuckets>();
  /** Counts without the recent buckets. They change only when a new bucket begins. */
  private historyCache = { bucket: 0, byKey: new Map<string, TrafficHistory>() };

  constructor(private readonly codeTtlMs: number) {}

  /** Adds to the bucket of the time at which a send was requested. */
  add(key: string, at: number, { sends, verified }: SendCounts): void {
    const buckets = this.bucketsByKey.get(key) ?? new Map<number, SendCounts>();
    this.bucketsByKey.set(key, buckets);
    const bucket = toBucket(at);
    const before = buckets.get(bucket) ?? { sends: 0, verified: 0 };
    buckets.set(bucket, { sends: before.sends + sends, verified: before.verified + verified });
  }

  read(key: string, now: number): DestinationCounts {
    const bucket = toBucket(now);
    if (this.historyCache.bucket !== bucket) this.historyCache = { bucket, byKey: new Map() };
    const buckets: TrafficBuckets = this.bucketsByKey.get(key) ?? new Map<number, SendCounts>();
    const firstRecent = getFirstRecentBucket(bucket, this.codeTtlMs);
    const { byKey } = this.historyCache;
    const history = byKey.get(key) ?? createHistory(buckets, bucket, firstRecent);
    byKey.set(key, history);
    return { recent: sumCounts(buckets, firstRecent, bucket + 1), ...history };
  }
}

function createHistory(buckets: TrafficBuckets, bucket: number, end: number): TrafficHistory {
  for (const old of buckets.keys()) if (old < bucket - WINDOWS.twoWeeks) buckets.delete(old);
  return {
    hour: sumCounts(buckets, bucket - WINDOWS.hour, end),
    day: sumCounts(buckets, bucket - WINDOWS.day, end),
    twoWeeks: sumCounts(buckets, bucket - WINDOWS.twoWeeks, end),
  };
}

function sumCounts(buckets: TrafficBuckets, from: number, end: number): SendCounts {
  let [sends, verified] = [0, 0];
  for (let bucket = from; bucket < end; bucket += 1) {
    const counts = buckets.get(bucket);
    sends += counts?.sends ?? 0;
    verified += counts?.verified ?? 0;
  }
  return { sends, verified };
}
