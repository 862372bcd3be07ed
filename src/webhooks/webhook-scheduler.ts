import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { seconds } from '../common/durations.js';
import { EventBus } from '../common/events.js';
import { Metrics } from '../observability/metrics.js';
import { Outbox } from '../storage/outbox.js';
import { WebhookClient } from './webhook-client.js';
import { WebhookLogger } from './webhook-logger.js';
import { WebhookSender } from './webhook-sender.js';

/** How often to look for retries, expired codes and events that other replicas wrote. */
const INTERVAL_MS = seconds(5);

/** Delay after a new event of this replica, so that events are sent together. */
const WAKE_DELAY_MS = 50;

/**
 * Adds the events of expired codes at an interval, and sends events then and when a verification
 * changes. A receiver that does not answer keeps the sender busy for hours, so no run waits for it.
 */
@Injectable()
export class WebhookScheduler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private wakeTimer: NodeJS.Timeout | undefined;
  /** The run of the interval, while it lasts. */
  private currentRun: Promise<void> | undefined;
  private oldestEventTime: number | undefined;

  constructor(
    private readonly outbox: Outbox,
    private readonly sender: WebhookSender,
    private readonly client: WebhookClient,
    private readonly logger: WebhookLogger,
    events: EventBus,
    clock: Clock,
    metrics: Metrics,
  ) {
    const wake = (): void => {
      this.wake();
    };
    events.subscribe('code_checked', wake);
    events.subscribe('verification_cancelled', wake);
    events.subscribe('delivery_reported', wake);
    metrics.addGauge(
      'otp_events_oldest_waiting_seconds',
      'Age of the oldest event that the receiver has not accepted; 0 if there is none.',
      [],
      () => {
        const ageMs = this.oldestEventTime === undefined ? 0 : clock.now() - this.oldestEventTime;
        return [{ labels: {}, value: ageMs / seconds(1) }];
      },
    );
  }

  onApplicationBootstrap(): void {
    // Sends also events that were left over from before the start.
    this.startRun();
    this.timer = setInterval(() => {
      this.startRun();
    }, INTERVAL_MS).unref();
  }

  /** Runs before the database is closed. The other replicas, or the next start, send the rest. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    clearTimeout(this.wakeTimer);
    await this.sender.stop();
    await this.currentRun;
    await this.client.close();
  }

  /** Adds the events of expired codes, sends all due events, and updates the age for the metric. */
  async runOnce(): Promise<void> {
    await this.tryTo(() => this.outbox.addExpired());
    await this.send();
    await this.tryTo(() => this.updateOldestTime());
  }

  /** As {@link runOnce}, but does not wait until the events are sent. */
  async runAtInterval(): Promise<void> {
    await this.tryTo(async () => {
      await this.outbox.addExpired();
      await this.updateOldestTime();
    });
    void this.send();
  }

  /** A run may take longer than the interval. */
  private startRun(): void {
    this.currentRun ??= this.runAtInterval().finally(() => {
      this.currentRun = undefined;
    });
  }

  private wake(): void {
    this.wakeTimer ??= setTimeout(() => {
      this.wakeTimer = undefined;
      void this.send();
    }, WAKE_DELAY_MS).unref();
  }

  private send(): Promise<void> {
    return this.tryTo(() => this.sender.sendDue());
  }

  private async updateOldestTime(): Promise<void> {
    this.oldestEventTime = await this.outbox.readOldestTime();
  }

  /** Logs an error. The next run tries again. */
  private async tryTo(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.logger.clearError();
    } catch (error) {
      this.logger.logErrorOnce(error);
    }
  }
}
