import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { hours, minutes, seconds } from '../common/durations.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { storageConfig, type StorageConfig } from '../config/storage.config.js';
import { ClockSynchronizer } from './clock-synchronizer.js';
import { DeliveryReportStore } from './delivery-report-store.js';
import { Database } from './engines/database.js';
import type { Executor, PreparedQuery } from './engines/statement-batch.js';
import { TRUSTED_NUMBER_MS } from './limit.types.js';
import {
  CLEANUP_BATCH,
  prepareCleanupQueries,
  type DeletedEvent,
} from './repositories/cleanup-queries.js';
import { IDEMPOTENCY_TTL_MS } from './repositories/idempotency-key.repository.js';
import { UsageRepository } from './repositories/usage.repository.js';
import { toBucket, WINDOWS } from './time-buckets.js';
import { toDay, USAGE_RETENTION_MS } from './usage-counts.js';

const INTERVAL_MS = seconds(10);

/** The longest sliding windows: older entries count nowhere. */
const NUMBER_WINDOW_MS = hours(24);
const END_USER_WINDOW_MS = hours(1);

/** How long the report of an unknown message is kept: its send may be stored later. */
const UNLINKED_REPORT_MS = minutes(15);

/** What is done with the changed rows of a batch. A transaction may run again after a conflict. */
interface BatchCallbacks<R> {
  readonly inTransaction?: (transaction: Executor, rows: readonly R[]) => Promise<void>;
  /** Not called if the answer of the commit was lost. */
  readonly afterCommit?: (rows: readonly R[]) => void;
}

/**
 * Periodic cleanup, one replica at a time: fails abandoned sends, links delivery reports that came
 * before their send was stored, and deletes expired rows.
 */
@Injectable()
export class CleanupService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(CleanupService.name);
  private readonly queries;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private isStopping = false;
  /** Whether no step of the present run has failed or was left out. */
  private isComplete = true;
  /** Whether another replica cleans up: the present run ends, so that the other can complete its run. */
  private isYielding = false;
  private lastSuccess = 0;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly synchronizer: ClockSynchronizer,
    private readonly usage: UsageRepository,
    private readonly reports: DeliveryReportStore,
    @Inject(storageConfig.KEY) private readonly config: StorageConfig,
    @Inject(providersConfig.KEY) private readonly providers: ProvidersConfig,
  ) {
    this.queries = prepareCleanupQueries(database);
  }

  /**
   * When a cleanup of this replica last ended without an error, in milliseconds since the epoch; 0
   * before the first.
   */
  get lastSuccessTime(): number {
    return this.lastSuccess;
  }

  onApplicationBootstrap(): void {
    void this.runOnce();
    this.timer = setInterval(() => void this.runOnce(), INTERVAL_MS).unref();
  }

  /** Waits only for the batch that is running: a large cleanup would exceed the time to shut down. */
  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    await this.running;
  }

  /** Runs a full cleanup after the one that is running, if any. */
  runOnce(): Promise<void> {
    this.running = this.running.then(() => this.run());
    return this.running;
  }

  private run(): Promise<void> {
    this.isComplete = true;
    this.isYielding = false;
    return this.runSteps();
  }

  private async runSteps(): Promise<void> {
    // Other replicas may have stored newer times. If the database is down, all steps would fail.
    const isAnswering = await this.runStep(() => this.synchronizer.advanceClock());
    if (!isAnswering) return;
    // A crash before the provider's result is stored leaves the status `sending`. A message may have
    // been sent, so it stays counted; the client never got a `pinId` and may send again.
    const abandonedCutoff = this.clock.now() - this.providers.maxRequestMs;
    await this.runInBatches(this.queries.failAbandonedSends, abandonedCutoff, {
      afterCommit: ({ length }) => {
        this.logAbandonedSends(length);
      },
    });
    // Comes before linking, which reads all unlinked reports.
    const unlinkedCutoff = this.clock.now() - UNLINKED_REPORT_MS;
    await this.runInBatches(this.queries.deleteUnlinkedReports, unlinkedCutoff);
    await this.runStep(() => this.reports.linkReports());
    await this.deleteExpired();
    if (this.isComplete && !this.isStopping) this.lastSuccess = this.clock.now();
  }

  /**
   * Runs a step of the cleanup, unless the service stops or another replica cleans up. An error is
   * logged: the other steps still run, and the next cleanup tries again.
   * @returns whether the step ran without an error
   */
  private async runStep(step: () => Promise<void>): Promise<boolean> {
    if (this.isStopping || this.isYielding) return false;
    try {
      await step();
      return true;
    } catch (error) {
      this.isComplete = false;
      this.logger.warn(error);
      return false;
    }
  }

  private async deleteExpired(): Promise<void> {
    const now = this.clock.now();
    const { queries } = this;
    await this.runInBatches(queries.deleteVerifications, now - this.config.retentionMs, {
      inTransaction: (transaction, rows) => this.usage.addUsageOfDeleted(transaction, rows),
    });
    await this.runInBatches(queries.deleteMessages, now - this.config.retentionMs, {
      inTransaction: (transaction, rows) => this.usage.addUsageOfDeleted(transaction, [], rows),
    });
    await this.runInBatches(queries.deleteEvents, now - this.config.retentionMs, {
      afterCommit: (rows) => {
        this.logUnsentEvents(rows);
      },
    });
    await this.runInBatches(queries.deleteUsage, toDay(now - USAGE_RETENTION_MS));
    for (const [query, cutoff] of [
      [queries.deleteKeys, now - IDEMPOTENCY_TTL_MS],
      [queries.clearVerifiedAt, now - TRUSTED_NUMBER_MS],
      [queries.deleteNumbers, now - NUMBER_WINDOW_MS],
      [queries.clearVerifiedAtOfPreviousRelease, now - TRUSTED_NUMBER_MS],
      [queries.deleteNumbersOfPreviousRelease, now - NUMBER_WINDOW_MS],
      [queries.deleteEndUsers, now - END_USER_WINDOW_MS],
      [queries.deleteTraffic, toBucket(now) - WINDOWS.twoWeeks],
    ] as const) {
      await this.runInBatches(query, cutoff);
    }
  }

  private logAbandonedSends(count: number): void {
    if (count === 0) return;
    this.logger.warn(
      `Interrupted sends marked as failed: ${String(count)}. Their messages may have been sent.`,
    );
  }

  /**
   * Logs how many deleted events were never sent. They wait this long only if no replica was running,
   * or EVENTS_URL was removed.
   */
  private logUnsentEvents(deleted: readonly DeletedEvent[]): void {
    const count = deleted.filter(({ state }) => state === 'waiting').length;
    if (count === 0) return;
    this.logger.error(`Events deleted after RETENTION that were never sent: ${String(count)}.`);
  }

  /** Runs a statement as a step of the cleanup, until no row is left to change or the service stops. */
  private async runInBatches<T, R>(
    query: PreparedQuery<{ cutoff: T }, R>,
    cutoff: T,
    { inTransaction, afterCommit }: BatchCallbacks<R> = {},
  ): Promise<void> {
    await this.runStep(async () => {
      let changedRows = CLEANUP_BATCH;
      while (changedRows === CLEANUP_BATCH && !this.isStopping) {
        const changed = await this.database.runCleanup(async (transaction) => {
          const { rows } = await transaction.run((batch) => query(batch, { cutoff }));
          await inTransaction?.(transaction, rows);
          return rows;
        });
        if (!changed) {
          this.isComplete = false;
          this.isYielding = true;
          return;
        }
        changedRows = changed.length;
        afterCommit?.(changed);
      }
    });
  }
}
