import { sql } from 'kysely';
import { hours, minutes } from '../common/durations.js';

/* Sends are counted in buckets of five minutes. A resend belongs to the bucket of its first send. */

const BUCKET_MS = minutes(5);

/**
 * Lengths in buckets. Including the current bucket, each window is a little longer than its name.
 */
export const WINDOWS = {
  hour: hours(1) / BUCKET_MS,
  day: hours(24) / BUCKET_MS,
  twoWeeks: hours(14 * 24) / BUCKET_MS,
};

/** The first bucket of each window. All windows end before the first recent bucket. */
export interface HistoryWindows {
  readonly firstRecent: number;
  readonly hour: number;
  readonly day: number;
  readonly twoWeeks: number;
}

/** The counts of a subject in each window, as a statement returns them. */
export interface HistoryRow {
  readonly subject: string;
  readonly hour_sends: number;
  readonly hour_verified: number;
  readonly day_sends: number;
  readonly day_verified: number;
  readonly two_weeks_sends: number;
  readonly two_weeks_verified: number;
}

/** The bucket of a time in milliseconds since the epoch. */
export const toBucket = (time: number): number => Math.floor(time / BUCKET_MS);

/** In a statement: the bucket of a verification's sends. */
export const BUCKET_OF_ROW = sql<number>`created_at / ${sql.lit(BUCKET_MS)}`;

/** The oldest bucket whose codes may still be submitted. The counts of older buckets are final. */
export const getFirstRecentBucket = (bucket: number, codeTtlMs: number): number =>
  bucket - Math.ceil(codeTtlMs / BUCKET_MS);

/** When a bucket leaves a window of this many buckets, in milliseconds since the epoch. */
export const getBucketEnd = (bucket: number, window: number): number =>
  (bucket + window + 1) * BUCKET_MS;
