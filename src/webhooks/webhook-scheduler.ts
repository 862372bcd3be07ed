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

/** Sends due events at an interval and when a verification changes. Runs never overlap. */
@Injectable()
export class WebhookScheduler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private wakeTimer: NodeJS.Timeout | undefined;
  private lastRun: Promise<void> = Promise.resolve();
  private unfinishedRuns = 0;
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
    // Sends events that were left over from before the start.
    void this.runOnce();
    this.timer = setInterval(() => {
      // A run may take longer than the interval.
      if (!this.hasWaitingRun()) void this.runOnce();
    }, INTERVAL_MS).unref();
  }

  /** Runs before the database is closed. The other replicas, or the next start, send the rest. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    clearTimeout(this.wakeTimer);
    await this.sender.stop();
    await this.lastRun;
    await this.client.close();
  }

  /**
   * Once earlier runs have ended, adds the events of expired codes, sends all due events, and updates
   * the age for the metric.
   */
  runOnce(): Promise<void> {
    return this.enqueue(async () => {
      await this.outbox.addExpired();
      await this.sender.sendDue();
      this.oldestEventTime = await this.outbox.readOldestTime();
    });
  }

  private wake(): void {
    this.wakeTimer ??= setTimeout(() => {
      this.wakeTimer = undefined;
      if (!this.hasWaitingRun()) void this.enqueue(() => this.sender.sendDue());
    }, WAKE_DELAY_MS).unref();
  }

  /** Whether a run waits behind the current one. It will send the new events as well. */
  private hasWaitingRun(): boolean {
    return this.unfinishedRuns > 1;
  }

  /** Runs `work` once earlier runs have ended. An error is logged, and the next run tries again. */
  private enqueue(work: () => Promise<void>): Promise<void> {
    this.unfinishedRuns += 1;
    this.lastRun = this.lastRun
      .then(work)
      .then(
        () => {
          this.logger.clearError();
        },
        (error: unknown) => {
          this.logger.logErrorOnce(error);
        },
      )
      .finally(() => {
        this.unfinishedRuns -= 1;
      });
    return this.lastRun;
  }
}
