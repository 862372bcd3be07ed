import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { hours, seconds } from '../common/durations.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { storageConfig, type StorageConfig } from '../config/storage.config.js';
import { Database } from './sql/database.js';
import { abandonedAfterMs } from './deadline.js';
import { prepareHousekeeping } from './sql/housekeeping-queries.js';
import { IDEMPOTENCY_TTL_MS } from './sql/idempotency-keys.js';
import type { Prepared } from './sql/statement.js';
import { bucketAt, WINDOWS } from './time-buckets.js';
import { TRUSTED_NUMBER_MS } from './traffic.types.js';

const EVERY_MS = seconds(10);

/** Small, so that a delete never holds up a send for long. */
const BATCH = 500;

/** Logs say nothing any more once their newest entry is older than their longest window. */
const NUMBER_WINDOW_MS = hours(24);
const END_USER_WINDOW_MS = hours(1);

/**
 * What has to be done now and then, by one replica at a time: settle the sends that a crash left
 * without an end, and delete what has been kept long enough.
 */
@Injectable()
export class CleanupService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(CleanupService.name);
  private readonly queries;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(storageConfig.KEY) private readonly config: StorageConfig,
    @Inject(providersConfig.KEY) private readonly providers: ProvidersConfig,
  ) {
    this.queries = prepareHousekeeping(database, BATCH);
  }

  onApplicationBootstrap(): void {
    void this.runOnce();
    this.timer = setInterval(() => void this.runOnce(), EVERY_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  /** One round of everything, behind the one that is under way. */
  runOnce(): Promise<void> {
    this.running = this.running.then(() => this.run());
    return this.running;
  }

  /** A failure is logged, and the next round tries again. */
  private async run(): Promise<void> {
    try {
      await this.clock.sync();
      await this.failAbandonedSends();
      await this.deleteOld();
    } catch (error) {
      this.logger.warn(error);
    }
  }

  /**
   * A crash between asking the provider and writing down what it said leaves `sending`. A text may
   * have left, so it stays counted; the caller never got a handle and may ask again.
   */
  private async failAbandonedSends(): Promise<void> {
    const before = this.clock.now() - abandonedAfterMs(this.providers);
    await this.inBatches(this.queries.failLost, before);
  }

  private async deleteOld(): Promise<void> {
    const now = this.clock.now();
    const { queries } = this;
    for (const [query, before] of [
      [queries.deleteVerifications, now - this.config.retentionMs],
      [queries.deleteKeys, now - IDEMPOTENCY_TTL_MS],
      [queries.forgetVerified, now - TRUSTED_NUMBER_MS],
      [queries.deleteNumbers, now - NUMBER_WINDOW_MS],
      [queries.deleteEndUsers, now - END_USER_WINDOW_MS],
      [queries.deleteTraffic, bucketAt(now) - WINDOWS.twoWeeks],
    ] as const) {
      await this.inBatches<unknown>(query, before);
    }
  }

  private async inBatches<R>(
    query: Prepared<{ before: number }, R>,
    before: number,
  ): Promise<void> {
    let done = BATCH;
    while (done === BATCH) {
      done = 0;
      await this.database.housekeeping(async (transaction) => {
        const { rows } = await transaction.run((packet) => query(packet, { before }));
        done = rows.length;
      });
    }
  }
}
