import { Inject, Injectable } from '@nestjs/common';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { Database } from '../engines/database.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import type { DestinationCounts, SendCounts } from '../limit.types.js';
import { getBucketEnd, getFirstRecentBucket, toBucket, WINDOWS } from '../time-buckets.js';
import { createTrafficQueries, type TrafficHistoryRow } from './traffic-queries.js';
import {
  CHECKED_SCOPES,
  hasBudgets,
  isCounted,
  mapScopes,
  toSubjects,
  type CountKey,
  type CountScope,
  type TrafficSubjects,
} from '../traffic-subjects.js';

/** The counts of every subject of a send. */
export type SendTraffic = Record<CountScope, DestinationCounts>;

/** The counts of a subject in the buckets before the recent ones. They no longer change. */
type TrafficHistory = Omit<DestinationCounts, 'recent'>;

const NONE: SendCounts = { sends: 0, verified: 0 };
const NO_HISTORY: TrafficHistory = { hour: NONE, day: NONE, twoWeeks: NONE };

/**
 * Counts sends and verified sends per destination, per client, and per client and destination.
 *
 * The row of a prefix is locked from its count to the end of the transaction. So concurrent sends
 * exceed its budgets by at most one send, when a new bucket begins. The rows of a country and of a
 * client, which many sends write, are spread over shards. So concurrent sends can exceed their
 * budgets.
 */
@Injectable()
export class TrafficCounts {
  private readonly queries;
  private readonly codeTtlMs: number;
  /** Histories by subject, read since `bucket` began. A new bucket moves the windows. */
  private historyCache = { bucket: 0, bySubject: new Map<string, TrafficHistory>() };

  constructor(database: Database, @Inject(otpConfig.KEY) { ttlMs }: OtpConfig) {
    this.queries = database.prepare('traffic', createTrafficQueries(database.shard));
    this.codeTtlMs = ttlMs;
  }

  /** Adds to the counts of a verification's bucket. Negative numbers take sends back. */
  add(batch: StatementBatch, key: CountKey, change: SendCounts): void {
    if (!isCounted(key) || (change.sends === 0 && change.verified === 0)) return;
    const add = hasBudgets(key) ? this.queries.add : this.queries.addForClient;
    add(batch, Object.assign(toBucketKey(key), change));
  }

  /** Counts a verification's sends as verified, if it can still be verified. */
  addVerified(batch: StatementBatch, { pinId, now }: { pinId: string; now: number }): void {
    this.queries.addVerified(batch, { pinId, now });
  }

  /** Counts an unreachable number for its client alone, so the country may be unknown. */
  addUnreachable(batch: StatementBatch, key: CountKey): void {
    const { bucket, unreachable } = toBucketKey(key);
    this.queries.addOne(batch, { subject: unreachable, bucket });
  }

  /**
   * Counts a send, if its verification was written.
   * @returns a getter of the counts of all its subjects, this send included
   */
  addSend(batch: StatementBatch, key: CountKey, pinId: string, now: number): () => SendTraffic {
    this.queries.addSend(batch, { pinId });
    return this.read(batch, key, now);
  }

  /**
   * When the oldest send that counts leaves the window, in milliseconds since the epoch.
   * @param counted whether verified sends count too
   */
  async findResetAt(
    executor: Executor,
    [scope, key]: readonly [CountScope, CountKey],
    window: 'hour' | 'day',
    counted: 'all' | 'unverified',
    now: number,
  ): Promise<number> {
    const { row } = await executor.run((batch) =>
      this.queries.readOldest(batch, {
        subject: toSubjects(key)[scope],
        from: toBucket(now) - WINDOWS[window],
        unverifiedOnly: counted === 'unverified' ? 1 : 0,
      }),
    );
    return getBucketEnd(row?.slot ?? toBucket(now), WINDOWS[window]);
  }

  /**
   * Reads the counts of all subjects of a send: recent buckets each time, the history once per
   * bucket.
   */
  read(batch: StatementBatch, key: CountKey, now: number): () => SendTraffic {
    const subjects = toSubjects(key);
    const bucket = toBucket(now);
    const from = getFirstRecentBucket(bucket, this.codeTtlMs);
    const recent = this.queries.readRecent(batch, Object.assign({ from }, subjects));
    const getHistory = this.loadHistories(batch, subjects, bucket);
    const getCounts = (subject: string): DestinationCounts => {
      const { sends, verified } = recent.rows.find((row) => row.subject === subject) ?? NONE;
      const { hour, day, twoWeeks } = getHistory(subject);
      return { recent: { sends, verified }, hour, day, twoWeeks };
    };
    return () => mapScopes((scope) => getCounts(subjects[scope]));
  }

  /**
   * Reads the histories that were not read in this bucket yet.
   * @returns a getter of the history of a subject
   */
  private loadHistories(
    batch: StatementBatch,
    subjects: TrafficSubjects,
    bucket: number,
  ): (subject: string) => TrafficHistory {
    // A read that is running when the bucket changes keeps the histories it began with.
    const histories = this.getHistoryCache(bucket);
    if (CHECKED_SCOPES.every((scope) => histories.has(subjects[scope]))) {
      return (subject) => histories.get(subject) ?? NO_HISTORY;
    }
    // An empty subject matches no row, so the same statement reads any number of subjects.
    const unread = mapScopes((scope) => (histories.has(subjects[scope]) ? '' : subjects[scope]));
    const windows = {
      firstRecent: getFirstRecentBucket(bucket, this.codeTtlMs),
      hour: bucket - WINDOWS.hour,
      day: bucket - WINDOWS.day,
      twoWeeks: bucket - WINDOWS.twoWeeks,
    };
    const result = this.queries.readHistories(batch, Object.assign(windows, unread));
    return (subject) => {
      const cached = histories.get(subject);
      if (cached) return cached;
      const row = result.rows.find((candidate) => candidate.subject === subject);
      const history = row ? toHistory(row) : NO_HISTORY;
      histories.set(subject, history);
      return history;
    };
  }

  private getHistoryCache(bucket: number): Map<string, TrafficHistory> {
    if (this.historyCache.bucket !== bucket) this.historyCache = { bucket, bySubject: new Map() };
    return this.historyCache.bySubject;
  }
}

const toBucketKey = (key: CountKey) => ({ bucket: toBucket(key.created_at), ...toSubjects(key) });

const toHistory = (row: TrafficHistoryRow): TrafficHistory => ({
  hour: { sends: row.hour_sends, verified: row.hour_verified },
  day: { sends: row.day_sends, verified: row.day_verified },
  twoWeeks: { sends: row.two_weeks_sends, verified: row.two_weeks_verified },
});
