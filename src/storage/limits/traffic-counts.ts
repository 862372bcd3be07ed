import { Inject, Injectable } from '@nestjs/common';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { Database } from '../engines/database.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import type { BudgetScope, DestinationCounts, SendCounts } from '../limit.types.js';
import type { VerificationRow } from '../migrations/schema.js';
import { getBucketEnd, getFirstRecentBucket, toBucket, WINDOWS } from '../time-buckets.js';
import { TRAFFIC_QUERIES, type TrafficHistoryRow } from './traffic-queries.js';

/** The fields of a verification that its sends are counted by. */
export type CountKey = Pick<VerificationRow, 'client' | 'country' | 'prefix_hash' | 'created_at'>;

/** False for a verification of a release before there were counts. */
export const isCounted = ({ country }: CountKey): boolean => country !== '';

type CountScope = BudgetScope | 'client';

/** The counts of every subject of a send. */
export type SendTraffic = Record<CountScope, DestinationCounts>;

/** The counts of a subject before its recent buckets: they do not change any more. */
type TrafficHistory = Omit<DestinationCounts, 'recent'>;

const NONE: SendCounts = { sends: 0, verified: 0 };

/**
 * Counts sends and verified sends per destination and client.
 *
 * The row of a prefix is locked from its count to the end of the transaction, so its budgets are
 * exact however many sends race. The rows of a country and a client, which all sends write, are
 * spread over shards: uncommitted counts are not seen, and their budgets are soft by that much.
 */
@Injectable()
export class TrafficCounts {
  private readonly queries;
  private readonly ttlMs: number;
  /** Of the subjects read in this bucket; in the next one the windows move. */
  private histories = { bucket: 0, bySubject: new Map<string, TrafficHistory>() };

  constructor(
    private readonly database: Database,
    @Inject(otpConfig.KEY) { ttlMs }: OtpConfig,
  ) {
    this.queries = database.prepare('traffic', TRAFFIC_QUERIES);
    this.ttlMs = ttlMs;
  }

  /** Changes the counts of a verification's bucket. */
  add(batch: StatementBatch, key: CountKey, change: SendCounts): void {
    if (!isCounted(key) || (change.sends === 0 && change.verified === 0)) return;
    this.queries.add(batch, Object.assign(this.toBucketKey(key), change));
  }

  /** Counts a verification's sends as verified, if it can still be verified. */
  addVerified(batch: StatementBatch, key: CountKey, target: { pinId: string; now: number }): void {
    if (!isCounted(key)) return;
    this.queries.addVerified(batch, Object.assign(this.toBucketKey(key), target));
  }

  /**
   * Counts a send, if its verification was written.
   * @returns a getter of all its counts, itself included
   */
  addSend(batch: StatementBatch, key: CountKey, pinId: string, now: number): () => SendTraffic {
    this.queries.addSend(batch, Object.assign(this.toBucketKey(key), { pinId }));
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

  /** Reads all counts of a send. The work is bounded, however long the history is. */
  read(batch: StatementBatch, key: CountKey, now: number): () => SendTraffic {
    const bucket = toBucket(now);
    const from = getFirstRecentBucket(bucket, this.ttlMs);
    const { prefix, country, client } = toSubjects(key);
    const recent = this.queries.readRecent(batch, { prefix, country, client, from });
    const readCounts = (subject: string): (() => DestinationCounts) => {
      const history = this.loadHistory(batch, subject, bucket);
      return () => {
        const { hour, day, twoWeeks } = history();
        const { sends, verified } = recent.rows.find((row) => row.subject === subject) ?? NONE;
        return { recent: { sends, verified }, hour, day, twoWeeks };
      };
    };
    const ofPrefix = readCounts(prefix);
    const ofCountry = readCounts(country);
    const ofClient = readCounts(client);
    return () => ({ prefix: ofPrefix(), country: ofCountry(), client: ofClient() });
  }

  /** Reads the history of a subject once per bucket. */
  private loadHistory(
    batch: StatementBatch,
    subject: string,
    bucket: number,
  ): () => TrafficHistory {
    // A read that is running when the bucket changes keeps the histories it began with.
    const histories = this.getHistories(bucket);
    const known = histories.get(subject);
    if (known) return () => known;
    const result = this.queries.readHistory(batch, {
      subject,
      firstRecent: getFirstRecentBucket(bucket, this.ttlMs),
      hour: bucket - WINDOWS.hour,
      day: bucket - WINDOWS.day,
      twoWeeks: bucket - WINDOWS.twoWeeks,
    });
    return () => {
      const history = result.row
        ? toHistory(result.row)
        : { hour: NONE, day: NONE, twoWeeks: NONE };
      histories.set(subject, history);
      return history;
    };
  }

  private toBucketKey(key: CountKey) {
    const { prefix, country, client } = toSubjects(key);
    const shard = Math.floor(Math.random() * this.database.shards);
    return { bucket: toBucket(key.created_at), shard, prefix, country, client };
  }

  private getHistories(bucket: number): Map<string, TrafficHistory> {
    if (this.histories.bucket !== bucket) this.histories = { bucket, bySubject: new Map() };
    return this.histories.bySubject;
  }
}

const toHistory = (row: TrafficHistoryRow): TrafficHistory => ({
  hour: { sends: row.hour_sends, verified: row.hour_verified },
  day: { sends: row.day_sends, verified: row.day_verified },
  twoWeeks: { sends: row.two_weeks_sends, verified: row.two_weeks_verified },
});

const toSubjects = ({ prefix_hash, country, client }: CountKey): Record<CountScope, string> => ({
  prefix: `prefix:${prefix_hash}`,
  country: `country:${country}`,
  client: `client:${client}`,
});
