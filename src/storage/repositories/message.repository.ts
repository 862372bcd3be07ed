import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import type { DeliveryReport } from '../../common/delivery-report.js';
import { findUndeliveredReason } from '../../common/delivery-status.js';
import { reportsConfig, type ReportsConfig } from '../../config/reports.config.js';
import { DataProtection } from '../data-protection.js';
import { Database } from '../engines/database.js';
import type { DeferredResult, StatementBatch } from '../engines/statement-batch.js';
import type { SendReservation, SendResult } from '../send.types.js';
import type { MessageDelivery } from '../verification.types.js';
import {
  prepareMessageQueries,
  type ReportedMessage,
  type RequestedVerification,
} from './message-queries.js';
import { WebhookEventRecorder } from './webhook-event-recorder.js';

/** Reports per transaction, so that it stays short. One request can have up to 2,000. */
const REPORTS_PER_BATCH = 100;

/** A statement for a batch. */
type AddStatement<R> = (batch: StatementBatch) => DeferredResult<R>;

/** The messages of the providers whose delivery reports are switched on. */
@Injectable()
export class MessageRepository {
  readonly queries;

  constructor(
    private readonly database: Database,
    private readonly protection: DataProtection,
    private readonly clock: Clock,
    private readonly webhooks: WebhookEventRecorder,
    @Inject(reportsConfig.KEY) private readonly config: ReportsConfig,
  ) {
    this.queries = prepareMessageQueries(database);
  }

  /** @returns the statement that stores an accepted message; `undefined` if it is not tracked */
  prepareInsert(
    { pinId, channel }: SendReservation,
    { provider, messageId }: SendResult,
  ): AddStatement<ReportedMessage> | undefined {
    if (messageId === undefined) return undefined;
    const message = {
      pinId,
      provider,
      channel,
      // No report can name a message without id.
      messageHash: this.hash(
        provider,
        messageId === '' ? `without id: ${randomUUID()}` : messageId,
      ),
      status: messageId === '' ? 'unknown' : 'pending',
      sentAt: this.clock.now(),
    } as const;
    return (batch) => {
      const inserted = this.queries.insert(batch, message);
      // A report may have come before the send was stored.
      this.webhooks.addUndelivered(batch, message.messageHash, 0);
      return inserted;
    };
  }

  /** @returns a getter of the newest message's delivery; it returns `undefined` without reports */
  readNewest(batch: StatementBatch, pinId: string): () => MessageDelivery | undefined {
    if (!this.config.isOn) return () => undefined;
    const result = this.queries.readNewest(batch, { pinId });
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
    const changed: ReportedMessage[] = [];
    for (let from = 0; from < reports.length; from += REPORTS_PER_BATCH) {
      const part = reports.slice(from, from + REPORTS_PER_BATCH);
      const results = await this.database.run((batch) =>
        part.map((report) => this.applyReport(batch, provider, report, now)),
      );
      changed.push(...results.flatMap(({ rows }) => rows));
    }
    return changed;
  }

  /** Finds a verification of any client, because a provider's request names none. */
  async findVerification(pinId: string): Promise<RequestedVerification | undefined> {
    const { row } = await this.database.run((batch) =>
      this.queries.readVerification(batch, { pinId }),
    );
    return row;
  }

  private applyReport(
    batch: StatementBatch,
    provider: string,
    { messageId, status, statusAt = Infinity, price }: DeliveryReport,
    now: number,
  ): DeferredResult<ReportedMessage> {
    const messageHash = this.hash(provider, messageId);
    const previousHashes = this.protection.getPreviousHashes('message', toKey(provider, messageId));
    for (const oldHash of previousHashes) {
      this.queries.rehash(batch, { oldHash, newHash: messageHash });
    }
    const applied = this.queries.applyReport(batch, {
      messageHash,
      provider,
      status,
      // The provider's clock may be ahead.
      statusAt: Math.min(statusAt, now),
      receivedAt: now,
      price: price?.amount ?? '',
      currency: price?.currency ?? '',
    });
    if (findUndeliveredReason(status)) this.webhooks.addUndelivered(batch, messageHash, now);
    return applied;
  }

  private hash(provider: string, messageId: string): string {
    return this.protection.hash('message', toKey(provider, messageId));
  }
}

const toKey = (provider: string, messageId: string): string => `${provider}\n${messageId}`;
