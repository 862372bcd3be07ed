import type { Executor, PreparedQuery, StatementBatch } from '../engines/statement-batch.js';
import type { DestinationCounts, SendCounts } from '../limit.types.js';
import {
  getFirstRecentBucket,
  WINDOWS,
  type HistoryRow,
  type HistoryWindows,
} from '../time-buckets.js';
import { CHECKED_SCOPES, isExact, mapScopes, type TrafficSubjects } from '../traffic-subjects.js';

/** The counts of a subject in the buckets before the recent ones. They no longer change. */
type TrafficHistory = Omit<DestinationCounts, 'recent'>;

/** Returns the history of a subject, once it is read. */
type GetHistory = (subject: string) => TrafficHistory;

/** The histories by subject as a bucket sees them: the windows move with each bucket. */
interface BucketHistories {
  readonly bucket: number;
  readonly bySubject: Map<string, TrafficHistory>;
  /** The subjects that {@link TrafficHistories.load} is reading. */
  readonly loading: Map<string, Promise<void>>;
}

const NONE: SendCounts = { sends: 0, verified: 0 };
const NO_HISTORY: TrafficHistory = { hour: NONE, day: NONE, twoWeeks: NONE };
/** Those with many rows in each bucket. */
const SHARDED_SCOPES = CHECKED_SCOPES.filter((scope) => !isExact(scope));
/** Requests that began in the bucket before still run when a bucket begins. */
const KEPT_BUCKETS = 2;

/** Reads the histories of subjects once per bucket, and keeps them in memory. */
export class TrafficHistories {
  private kept: readonly BucketHistories[] = [];

  constructor(
    private readonly database: Executor,
    private readonly readHistories: PreparedQuery<HistoryWindows & TrafficSubjects, HistoryRow>,
    private readonly codeTtlMs: number,
  ) {}

  /**
   * Reads the histories with the most rows, those of a country and of a client, once for all sends of a
   * bucket. If each of many sends read them in its transaction, the database could not answer in time.
   */
  async load(subjects: TrafficSubjects, bucket: number): Promise<void> {
    const histories = this.getHistories(bucket);
    const { bySubject, loading } = histories;
    const missing = SHARDED_SCOPES.map((scope) => subjects[scope]).filter(
      (subject) => !bySubject.has(subject),
    );
    if (missing.length === 0) return;
    const unread = missing.filter((subject) => !loading.has(subject));
    if (unread.length > 0) {
      const reading = this.loadUnread(subjects, unread, histories);
      for (const subject of unread) loading.set(subject, reading);
    }
    await Promise.all(missing.flatMap((subject) => loading.get(subject) ?? []));
  }

  /** Reads the histories that were not read in this bucket yet. */
  read(batch: StatementBatch, subjects: TrafficSubjects, bucket: number): GetHistory {
    // A read that is running when the bucket changes keeps the histories it began with.
    return this.readMissing(batch, subjects, this.getHistories(bucket));
  }

  private async loadUnread(
    subjects: TrafficSubjects,
    unread: readonly string[],
    histories: BucketHistories,
  ): Promise<void> {
    const wanted = mapScopes((scope) => (unread.includes(subjects[scope]) ? subjects[scope] : ''));
    try {
      const getHistory = await this.database.run((batch) =>
        this.readMissing(batch, wanted, histories),
      );
      for (const subject of unread) getHistory(subject);
    } finally {
      for (const subject of unread) histories.loading.delete(subject);
    }
  }

  private readMissing(
    batch: StatementBatch,
    subjects: TrafficSubjects,
    { bucket, bySubject }: BucketHistories,
  ): GetHistory {
    if (CHECKED_SCOPES.every((scope) => bySubject.has(subjects[scope]))) {
      return (subject) => bySubject.get(subject) ?? NO_HISTORY;
    }
    // An empty subject matches no row, so the same statement reads any number of subjects.
    const missing = mapScopes((scope) => (bySubject.has(subjects[scope]) ? '' : subjects[scope]));
    const windows = {
      firstRecent: getFirstRecentBucket(bucket, this.codeTtlMs),
      hour: bucket - WINDOWS.hour,
      day: bucket - WINDOWS.day,
      twoWeeks: bucket - WINDOWS.twoWeeks,
    };
    const result = this.readHistories(batch, Object.assign(windows, missing));
    return (subject) => {
      const known = bySubject.get(subject);
      if (known) return known;
      const row = result.rows.find((candidate) => candidate.subject === subject);
      const history = row ? toHistory(row) : NO_HISTORY;
      bySubject.set(subject, history);
      return history;
    };
  }

  private getHistories(bucket: number): BucketHistories {
    const found = this.kept.find((histories) => histories.bucket === bucket);
    if (found) return found;
    const histories = { bucket, bySubject: new Map(), loading: new Map() };
    const newestFirst = [...this.kept, histories].sort((a, b) => b.bucket - a.bucket);
    this.kept = newestFirst.slice(0, KEPT_BUCKETS);
    return histories;
  }
}

const toHistory = (row: HistoryRow): TrafficHistory => ({
  hour: { sends: row.hour_sends, verified: row.hour_verified },
  day: { sends: row.day_sends, verified: row.day_verified },
  twoWeeks: { sends: row.two_weeks_sends, verified: row.two_weeks_verified },
});
