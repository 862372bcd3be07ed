import { Inject, Injectable } from '@nestjs/common';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { Database } from '../engines/database.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import type { DestinationCounts, SendCounts } from '../limit.types.js';
import { getBucketEnd, getFirstRecentBucket, toBucket, WINDOWS } from '../time-buckets.js';
import { TrafficHistories } from './traffic-histories.js';
import { createTrafficQueries } from './traffic-queries.js';
import {
  hasBudgets,
  isCounted,
  mapScopes,
  toSubjects,
  type CountKey,
  type CountScope,
} from '../traffic-subjects.js';

/** The counts of every subject of a send. */
export type SendTraffic = Record<CountScope, DestinationCounts>;

const NONE: SendCounts = { sends: 0, verified: 0 };

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
  /** Queries for batches of repositories. */
  readonly queries;
  private readonly codeTtlMs: number;
  private readonly histories: TrafficHistories;

  constructor(database: Database, @Inject(otpConfig.KEY) { ttlMs }: OtpConfig) {
    this.queries = database.prepare('traffic', createTrafficQueries(database.shard));
    this.codeTtlMs = ttlMs;
    this.histories = new TrafficHistories(database, this.queries.readHistories, ttlMs);
  }

  /**
   * Call before the transaction of a first send, whose country and client are known. A resend reads
   * what is missing in its transaction.
   */
  loadHistories(key: CountKey, now: number): Promise<void> {
    return this.histories.load(toSubjects(key), toBucket(now));
  }

  /** Adds to the counts of a verification's bucket. Negative numbers take sends back. */
  add(batch: StatementBatch, key: CountKey, change: SendCounts): void {
    if (!isCounted(key) || (change.sends === 0 && change.verified === 0)) return;
    const add = hasBudgets(key) ? this.queries.add : this.queries.addForClient;
    add(batch, Object.assign(toBucketKey(key), change));
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
    subject: string,
    window: 'hour' | 'day',
    counted: 'all' | 'unverified',
    now: number,
  ): Promise<number> {
    const { row } = await executor.run((batch) =>
      this.queries.readOldest(batch, {
        subject,
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
    const getHistory = this.histories.read(batch, subjects, bucket);
    const getCounts = (subject: string): DestinationCounts => {
      const { sends, verified } = recent.rows.find((row) => row.subject === subject) ?? NONE;
      const { hour, day, twoWeeks } = getHistory(subject);
      return { recent: { sends, verified }, hour, day, twoWeeks };
    };
    return () => mapScopes((scope) => getCounts(subjects[scope]));
  }
}

const toBucketKey = (key: CountKey) => ({ bucket: toBucket(key.created_at), ...toSubjects(key) });
