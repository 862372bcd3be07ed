import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { seconds } from '../common/durations.js';
import { EventBus, type ServiceEventOf } from '../common/events.js';
import { Database } from './engines/database.js';
import { UsageRepository } from './repositories/usage.repository.js';
import { NO_USAGE, toDay, UsageSum } from './usage-counts.js';

const INTERVAL_MS = seconds(10);

/** Rows in one write. Beyond that, blocked sends are counted without their country. */
const MAX_ROWS = 1_000;

/**
 * Counts blocked sends, for which no verification is stored. Writes the counts every ten seconds,
 * because a blocked send must stay cheap. A killed process loses the counts of the last seconds.
 */
@Injectable()
export class BlockedSendCounter implements OnApplicationBootstrap {
  private readonly logger = new Logger(BlockedSendCounter.name);
  private sum = new UsageSum();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly usage: UsageRepository,
    events: EventBus,
  ) {
    events.subscribe('send_blocked', (event) => {
      this.count(event);
    });
    database.beforeClose(() => {
      clearInterval(this.timer);
      return this.write();
    });
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.write(), INTERVAL_MS).unref();
  }

  /** Writes the counts, after any running write. */
  write(): Promise<void> {
    this.running = this.running.then(() => this.writeCounts());
    return this.running;
  }

  private count({ client, country, channel }: ServiceEventOf<'send_blocked'>): void {
    const day = toDay(this.clock.now());
    const counted = this.sum.size < MAX_ROWS ? country : '';
    this.sum.add({ day, client, country: counted, provider: '', channel, ...NO_USAGE, blocked: 1 });
  }

  /** Keeps the counts after an error. If only the result was lost, they count twice. */
  private async writeCounts(): Promise<void> {
    const { sum } = this;
    if (sum.size === 0) return;
    this.sum = new UsageSum();
    try {
      await this.database.run((batch) => {
        this.usage.add(batch, sum);
      });
    } catch (error) {
      for (const usage of sum.list()) this.sum.add(usage);
      this.logger.warn(error);
    }
  }
}
