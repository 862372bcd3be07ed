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

/** Finds the events of other replicas, retries and expired codes. */
const INTERVAL_MS = seconds(5);

/** New events of this replica are sent together after this time. */
const WAKE_DELAY_MS = 50;

/** Decides when events are looked for and sent, one run after the other. */
@Injectable()
export class WebhookScheduler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private wakeTimer: NodeJS.Timeout | undefined;
  private last: Promise<void> = Promise.resolve();
  private unfinished = 0;
  private oldestTime: number | undefined;

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
      'Age of the oldest event that no receiver has accepted; 0 if there is none.',
      [],
      () => {
        const ageMs = this.oldestTime === undefined ? 0 : clock.now() - this.oldestTime;
        return [{ labels: {}, value: ageMs / seconds(1) }];
      },
    );
  }

  onApplicationBootstrap(): void {
    // What waits since a crash.
    void this.runOnce();
    this.timer = setInterval(() => {
      // A run may take longer than the interval.
      if (this.unfinished < 2) void this.runOnce();
    }, INTERVAL_MS).unref();
  }

  /** Before the database is closed. What is not sent is sent by another replica, or after the start. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    clearTimeout(this.wakeTimer);
    await this.sender.stop();
    await this.last;
    await this.client.close();
  }

  /** Runs after those that are running: adds the events of expired codes, and sends what is due. */
  runOnce(): Promise<void> {
    return this.enqueue(async () => {
      await this.outbox.addExpired();
      await this.sender.sendDue();
      this.oldestTime = await this.outbox.readOldestTime();
    });
  }

  private wake(): void {
    this.wakeTimer ??= setTimeout(() => {
      this.wakeTimer = undefined;
      if (this.unfinished < 2) void this.enqueue(() => this.sender.sendDue());
    }, WAKE_DELAY_MS).unref();
  }

  /** An error is logged; the next run tries again. */
  private enqueue(work: () => Promise<void>): Promise<void> {
    this.unfinished += 1;
    this.last = this.last
      .then(work)
      .then(
        () => {
          this.logger.logRecovered();
        },
        (error: unknown) => {
          this.logger.logError(error);
        },
      )
      .finally(() => {
        this.unfinished -= 1;
      });
    return this.last;
  }
}
