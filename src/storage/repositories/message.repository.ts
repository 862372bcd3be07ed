import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import type { DeliveryReport } from '../../common/delivery-report.js';
import { findUndeliveredReason } from '../../common/delivery-status.js';
import { reportsConfig, type ReportsConfig } from '../../config/reports.config.js';
import { Database } from '../engines/database.js';
import type { DeferredResult, StatementBatch } from '../engines/statement-batch.js';
import type { SendResult } from '../send.types.js';
import type { MessageDelivery } from '../verification.types.js';
import {
  LINK_BATCH,
  prepareMessageQueries,
  WITHOUT_ID,
  type ReportedMessage,
  type ReferencedVerification,
} from './message-queries.js';
import type { TrackedMessage } from './send-queries.js';
import { WebhookEventRecorder } from './webhook-event-recorder.js';

/** Reports per transaction, so that it stays short. One request can have up to 2,000. */
const REPORTS_PER_BATCH = 100;

type HashedReport = DeliveryReport & { readonly messageHash: string };

/** The messages of the providers whose delivery reports are switched on. */
@Injectable()
export class MessageRepository {
  readonly queries;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly webhooks: WebhookEventRecorder,
    @Inject(reportsConfig.KEY) private readonly config: ReportsConfig,
  ) {
    this.queries = prepareMessageQueries(database);
  }

  /** What the verification of an accepted message stores of it. */
  toTracked({ provider, messageId }: SendResult): TrackedMessage {
    if (messageId === undefined) return { messageHash: '', messageSentAt: 0 };
    const messageHash = messageId === '' ? WITHOUT_ID : hashMessageId(provider, messageId);
    return { messageHash, messageSentAt: this.clock.now() };
  }

  /**
   * Call before the statement that confirms a resend: keeps the message that the new one replaces.
   * @returns that message, if its report came before its send was stored, and is linked only now
   */
  addReplaced(batch: StatementBatch, pinId: string): DeferredResult<ReportedMessage> | undefined {
    if (!this.config.isOn) return undefined;
    const linked = this.queries.linkNewest(batch, { pinId });
    this.webhooks.addUndeliveredNewest(batch, pinId);
    this.queries.addReplaced(batch, { pinId });
    return linked;
  }

  /** @returns a getter of the newest message's delivery; it returns `undefined` without reports */
  readDelivery(batch: StatementBatch, pinId: string): () => MessageDelivery | undefined {
    if (!this.config.isOn) return () => undefined;
    const result = this.queries.readDelivery(batch, { pinId });
    return () => {
      const { row } = result;
      return row && { status: row.status, at: row.status_at || undefined };
    };
  }

  /**
   * Stores reports. They may come in any order, repeatedly, and before their send is stored.
   * @returns the messages that changed; those whose send is not stored yet have no `pin_id`
   */
  async applyReports(
    provider: string,
    reports: readonly DeliveryReport[],
  ): Promise<ReportedMessage[]> {
    const now = this.clock.now();
    // In one order, so that requests with the same messages do not lock each other's rows.
    const sorted = reports
      .map((report) => ({ messageHash: hashMessageId(provider, report.messageId), ...report }))
      .sort(({ messageHash: a }, { messageHash: b }) => (a < b ? -1 : Number(a > b)));
    const changed: ReportedMessage[] = [];
    for (let from = 0; from < sorted.length; from += REPORTS_PER_BATCH) {
      const part = sorted.slice(from, from + REPORTS_PER_BATCH);
      const results = await this.database.run((batch) =>
        part.flatMap((report) => this.applyReport(batch, provider, report, now)),
      );
      changed.push(...results.flatMap(({ rows }) => rows));
    }
    return changed;
  }

  /**
   * Links the reports that came before their send was stored. Replicas may do this at the same time:
   * each message is changed by one of them.
   * @returns the messages that changed
   */
  async linkReports(): Promise<ReportedMessage[]> {
    const changed: ReportedMessage[] = [];
    if (!this.config.isOn) return changed;
    for (;;) {
      const { rows } = await this.database.run((batch) => this.queries.findLinkable(batch, {}));
      if (rows.length === 0) return changed;
      const results = await this.database.run((batch) =>
        rows.map(({ message_hash }) => this.link(batch, message_hash)),
      );
      changed.push(...results.flatMap((linked) => linked.rows));
      if (rows.length < LINK_BATCH) return changed;
    }
  }

  /** Finds a verification of any client, because a provider's request names none. */
  async findVerification(pinId: string): Promise<ReferencedVerification | undefined> {
    const { row } = await this.database.run((batch) =>
      this.queries.readVerification(batch, { pinId }),
    );
    return row;
  }

  private applyReport(
    batch: StatementBatch,
    provider: string,
    { messageHash, status, statusAt = Infinity, price }: HashedReport,
    now: number,
  ): DeferredResult<ReportedMessage>[] {
    const linked = this.link(batch, messageHash);
    const applied = this.queries.applyReport(batch, {
      messageHash,
      provider,
      status,
      // The provider's clock may be ahead.
      statusAt: Math.min(this.clock.fromWallClock(statusAt), now),
      receivedAt: now,
      price: price?.amount ?? '',
      currency: price?.currency ?? '',
    });
    if (findUndeliveredReason(status)) this.webhooks.addUndelivered(batch, messageHash);
    return [linked, applied];
  }

  private link(batch: StatementBatch, messageHash: string): DeferredResult<ReportedMessage> {
    const linked = this.queries.link(batch, { messageHash });
    this.webhooks.addUndelivered(batch, messageHash);
    return linked;
  }
}

/**
 * A hash without a key, because a message id says nothing outside the account at the provider. An HMAC
 * costs 2 % more CPU a send (measured).
 */
const hashMessageId = (provider: string, messageId: string): string =>
  hash('sha256', `${provider}\n${messageId}`, 'base64url');
