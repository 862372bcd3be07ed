import { getFirstRecentBucket, toBucket, WINDOWS } from '../storage/time-buckets.js';
import type { DestinationCounts, SendCounts } from '../storage/limit.types.js';

type TrafficBuckets = Map<number, SendCounts>;
type TrafficHistory = Omit<DestinationCounts, 'recent'>;

/**
 * Counts sends in memory, in the same buckets and windows as the store. A subject is a prefix or a
 * country, for one client or for all (`toSubjects`).
 */
export class InMemoryTraffic {
  private readonly bucketsBySubject = new Map<string, TrafficBuckets>();
  /** Counts of the buckets before the recent ones. They change only when a new bucket begins. */
  private historyCache = { bucket: 0, bySubject: new Map<string, TrafficHistory>() };

  constructor(private readonly codeTtlMs: number) {}

  /** @param sentAt when the sends were requested, in milliseconds since the epoch */
  add(subject: string, sentAt: number, { sends, verified }: SendCounts): void {
    const buckets = this.bucketsBySubject.get(subject) ?? new Map<number, SendCounts>();
    this.bucketsBySubject.set(subject, buckets);
    const bucket = toBucket(sentAt);
    const before = buckets.get(bucket) ?? { sends: 0, verified: 0 };
    buckets.set(bucket, { sends: before.sends + sends, verified: before.verified + verified });
  }

  /** The counts of a subject in each window that ends now. */
  read(subject: string, now: number): DestinationCounts {
    const bucket = toBucket(now);
    if (this.historyCache.bucket !== bucket) this.historyCache = { bucket, bySubject: new Map() };
    const buckets = this.bucketsBySubject.get(subject) ?? new Map<number, SendCounts>();
    const firstRecent = getFirstRecentBucket(bucket, this.codeTtlMs);
    const { bySubject } = this.historyCache;
    const history = bySubject.get(subject) ?? pruneAndSumHistory(buckets, bucket, firstRecent);
    bySubject.set(subject, history);
    return { recent: sumCounts(buckets, firstRecent, bucket + 1), ...history };
  }
}

/** Sums the buckets before `firstRecent`, and deletes those that no window counts any more. */
function pruneAndSumHistory(
  buckets: TrafficBuckets,
  current: number,
  firstRecent: number,
): TrafficHistory {
  for (const old of buckets.keys()) if (old < current - WINDOWS.twoWeeks) buckets.delete(old);
  return {
    hour: sumCounts(buckets, current - WINDOWS.hour, firstRecent),
    day: sumCounts(buckets, current - WINDOWS.day, firstRecent),
    twoWeeks: sumCounts(buckets, current - WINDOWS.twoWeeks, firstRecent),
  };
}

/** @param end the first bucket that is not counted */
function sumCounts(buckets: TrafficBuckets, from: number, end: number): SendCounts {
  let [sends, verified] = [0, 0];
  for (let bucket = from; bucket < end; bucket += 1) {
    const counts = buckets.get(bucket);
    sends += counts?.sends ?? 0;
    verified += counts?.verified ?? 0;
  }
  return { sends, verified };
}
