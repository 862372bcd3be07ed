import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { seconds } from '../common/durations.js';
import { EventBus } from '../common/events.js';
import type { WebhookOutcome } from '../common/webhook-event.js';
import { Outbox } from '../storage/outbox.js';
import type { ClaimedEvent } from '../storage/webhook-event.types.js';
import { findNextTryTime } from './retry-schedule.js';
import { createWebhookBody } from './webhook-body.js';
import { UnreadableEventError } from './unreadable-event.error.js';
import { WebhookClient, WebhookError } from './webhook-client.js';
import { WebhookLogger } from './webhook-logger.js';

/** How many events a replica posts at the same time. */
const MAX_PARALLEL = 8;

/** How long to wait before `markSent` is tried again. */
const MARK_SENT_RETRY_MS = seconds(1);

/**
 * Sends the events that are due: those of a verification in order, those of different verifications
 * at the same time. The receiver may get an event twice, for example if this replica is killed before
 * it has marked the event as sent.
 */
@Injectable()
export class WebhookSender {
  /** How long a shutdown waits for running posts, in milliseconds. */
  stopTimeoutMs = seconds(3);
  /** The sends that have begun, one per event. */
  private readonly running = new Set<Promise<void>>();
  /** Ids of events that were accepted but are not yet marked as sent. */
  private readonly accepted = new Set<string>();
  /** The loop that claims events, while it runs. */
  private loop: Promise<void> | undefined;
  /** How often `sendDue` was called: shows the loop that it was called during a claim. */
  private callCount = 0;
  /** Lets the loop claim again before a running send ends. */
  private wake: () => void = () => undefined;
  private isStopping = false;
  /** Aborts the running posts. */
  private readonly abort = new AbortController();

  constructor(
    private readonly outbox: Outbox,
    private readonly client: WebhookClient,
    private readonly clock: Clock,
    private readonly events: EventBus,
    private readonly logger: WebhookLogger,
  ) {}

  /**
   * Sends until no event is due. If it is sending already, it claims again at once, unless
   * `MAX_PARALLEL` sends are running.
   * @throws DomainError `storage_unavailable`
   */
  sendDue(): Promise<void> {
    this.callCount += 1;
    this.wake();
    this.loop ??= this.sendUntilNoneIsDue();
    return this.loop;
  }

  private async sendUntilNoneIsDue(): Promise<void> {
    try {
      for (;;) {
        const { callCount } = this;
        const woken = new Promise<void>((resolve) => (this.wake = resolve));
        const count = this.isStopping ? 0 : MAX_PARALLEL - this.running.size;
        const claimed = count > 0 ? await this.outbox.claim(count) : [];
        for (const event of claimed) this.start(event);
        // `sendDue` was called during the claim, which may have missed the newest events.
        if (this.callCount > callCount) continue;
        if (this.running.size === 0) return;
        await Promise.race([woken, ...this.running]);
      }
    } finally {
      this.loop = undefined;
    }
  }

  /** Claims no more events, waits for the running sends, and aborts their posts after some time. */
  async stop(): Promise<void> {
    this.isStopping = true;
    const timer = setTimeout(() => {
      this.abort.abort();
    }, this.stopTimeoutMs);
    // A claim that is being made starts further sends.
    await Promise.allSettled([this.loop]);
    await Promise.all(this.running);
    clearTimeout(timer);
  }

  private start(event: ClaimedEvent): void {
    const sending = this.send(event)
      // After this error the claim times out, and a replica claims the event again.
      .catch((error: unknown) => {
        this.logger.logErrorOnce(error);
      })
      .finally(() => this.running.delete(sending));
    this.running.add(sending);
  }

  private async send(event: ClaimedEvent): Promise<void> {
    const emit = (outcome: WebhookOutcome): void => {
      this.events.emit({ type: 'webhook_completed', event: event.type, outcome });
    };
    try {
      const isAccepted = this.accepted.has(event.eventId) || (await this.post(event));
      if (!isAccepted) {
        const isRemoved = await this.outbox.remove(event);
        if (isRemoved) {
          this.logger.logWithoutContent(event);
          emit('abandoned');
        }
        return;
      }
    } catch (error) {
      if (!(error instanceof WebhookError)) throw error;
      if (this.abort.signal.aborted) {
        // Says nothing about the receiver: another replica may send the event at once.
        await this.outbox.postpone(event, this.clock.now());
        return;
      }
      const outcome = await this.postponeOrAbandon(event, error);
      if (outcome) emit(outcome);
      return;
    }
    await this.markSent(event);
    this.logger.logAccepted();
    emit('sent');
  }

  /**
   * @returns false if the verification was erased or deleted, so that nothing is left to report
   * @throws WebhookError if the receiver did not accept the event, or it cannot be decrypted
   */
  private async post(event: ClaimedEvent): Promise<boolean> {
    const content = await this.outbox.readContent(event);
    if (!content) return false;
    if ('outcome' in content) throw new UnreadableEventError(content);
    const body = createWebhookBody(event, content, this.clock);
    await this.client.post(event.eventId, body, this.abort.signal);
    this.accepted.add(event.eventId);
    return true;
  }

  /** @returns `undefined` if the event was to be given up, but was erased or claimed by another replica */
  private async postponeOrAbandon(
    event: ClaimedEvent,
    error: WebhookError,
  ): Promise<WebhookOutcome | undefined> {
    const next = findNextTryTime(event.createdAt, this.clock.now());
    if (next === undefined) {
      if (!(await this.outbox.abandon(event))) return undefined;
      this.logger.logAbandoned(event, error);
      return 'abandoned';
    }
    await this.outbox.postpone(event, next);
    this.logger.logFailed(event, error);
    return 'failed';
  }

  /** Tries until it succeeds or the service shuts down: until then, this replica does not post it again. */
  private async markSent(event: ClaimedEvent): Promise<void> {
    while (this.accepted.has(event.eventId)) {
      try {
        await this.outbox.markSent(event);
        this.accepted.delete(event.eventId);
      } catch (error) {
        if (this.isStopping) throw error;
        await delay(MARK_SENT_RETRY_MS, undefined, { ref: false });
      }
    }
  }
}
