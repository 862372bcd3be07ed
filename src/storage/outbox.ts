import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { seconds } from '../common/durations.js';
import { Database } from './engines/database.js';
import {
  EXPIRE_BATCH,
  prepareOutboxQueries,
  type ClaimedRow,
  type DeliveryRow,
} from './repositories/outbox-queries.js';
import { getCheckedCodes } from './repositories/verification-status.js';
import { VerificationTable } from './repositories/verification-table.js';
import { MAX_EXPIRED_MS, WebhookEventRecorder } from './repositories/webhook-event-recorder.js';
import type { UnreadableDataError } from './unreadable-data.error.js';
import type { ClaimedEvent, EventDelivery, EventContent } from './webhook-event.types.js';

/**
 * How long a claim lasts if the event is not completed, as after a crash. A try takes much less.
 */
const CLAIM_MS = seconds(60);

/** Codes are marked as expired this much later: until then, a check may still write its result. */
const EXPIRY_MARGIN_MS = seconds(10);

/**
 * The events of all replicas that wait to be sent. A replica claims an event for a minute. The claim
 * ends early if the replica marks the event as sent, postpones or abandons the event.
 */
@Injectable()
export class Outbox {
  private readonly queries;

  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly recorder: WebhookEventRecorder,
    private readonly clock: Clock,
  ) {
    this.queries = prepareOutboxQueries(database);
  }

  /**
   * Marks the verifications whose codes have expired, and adds their events. Replicas may do this
   * at the same time: only one of them changes a row.
   */
  async addExpired(): Promise<void> {
    const now = this.clock.now();
    const expired = { after: now - MAX_EXPIRED_MS, before: now - EXPIRY_MARGIN_MS };
    let changedRows = this.recorder.isEnabled ? EXPIRE_BATCH : 0;
    while (changedRows === EXPIRE_BATCH) {
      changedRows = await this.database.transaction<number>(async (transaction) => {
        const { rows } = await transaction.run((batch) => this.queries.expire(batch, expired));
        await transaction.run((batch) => {
          for (const { pin_id: pinId } of rows) this.recorder.addExpired(batch, pinId);
        });
        return rows.length;
      });
    }
  }

  /** Claims events that are due. Only the earliest event of a verification can be due. */
  async claim(count: number): Promise<ClaimedEvent[]> {
    const now = this.clock.now();
    const { rows } = await this.database.run((batch) =>
      this.queries.claim(batch, { now, until: now + CLAIM_MS, count }),
    );
    return rows.map(toClaimedEvent);
  }

  /** Reads what an event reports. @returns `undefined` if the verification was erased or deleted */
  async readContent({
    pinId,
    client,
  }: ClaimedEvent): Promise<EventContent | UnreadableDataError | undefined> {
    const { found, deliveries } = await this.database.run((batch) => ({
      found: this.verifications.queries.read(batch, { pinId, client }),
      deliveries: this.queries.readDeliveries(batch, { pinId }),
    }));
    const { row } = found;
    if (!row) return undefined;
    const fields = this.verifications.decrypt(row);
    if ('outcome' in fields) return fields;
    return {
      phoneNumber: fields.phoneNumber,
      country: row.country,
      channel: row.channel,
      provider: row.provider,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      sends: row.texts,
      attempts: getCheckedCodes(row),
      eventReference: fields.eventReference,
      deliveries: deliveries.rows.map(toDelivery),
    };
  }

  /** Marks the event as accepted by the receiver: it is not sent again. */
  async markSent({ pinId, subject }: ClaimedEvent): Promise<void> {
    await this.database.runUntilCommitted(() =>
      this.database.run((batch) => this.queries.markSent(batch, { pinId, subject })),
    );
  }

  /**
   * Removes an event whose verification is no longer stored.
   * @returns whether this call removed it; also true if the answer of an earlier run was lost, so
   * that this is not known
   */
  async remove({ pinId, subject }: ClaimedEvent): Promise<boolean> {
    return this.database.runUntilCommitted(async (isRepeated) => {
      const { row } = await this.database.run((batch) =>
        this.queries.remove(batch, { pinId, subject }),
      );
      // An earlier run may have removed it.
      return isRepeated || row !== undefined;
    });
  }

  /** @param until when the event is next tried, in milliseconds since the epoch */
  async postpone({ pinId, subject, tries }: ClaimedEvent, until: number): Promise<void> {
    await this.database.run((batch) =>
      this.queries.postpone(batch, { pinId, subject, tries, until }),
    );
  }

  /**
   * Gives the event up.
   * @returns false if it was erased, or another replica has claimed it; true if the answer of an
   * earlier run was lost
   */
  async abandon({ pinId, subject, tries }: ClaimedEvent): Promise<boolean> {
    return this.database.runUntilCommitted(async (isRepeated) => {
      const { row } = await this.database.run((batch) =>
        this.queries.abandon(batch, { pinId, subject, tries }),
      );
      // An earlier run may have given it up.
      return isRepeated || row !== undefined;
    });
  }

  /** When the oldest waiting event was written, in milliseconds since the epoch; if one waits. */
  async readOldestTime(): Promise<number | undefined> {
    const { row } = await this.database.run((batch) => this.queries.readOldest(batch, {}));
    return row?.created_at;
  }
}

const toClaimedEvent = (row: ClaimedRow): ClaimedEvent => ({
  eventId: row.event_id,
  pinId: row.pin_id,
  subject: row.subject,
  type: row.type,
  client: row.client,
  occurredAt: row.occurred_at,
  createdAt: row.created_at,
  tries: row.tries,
});

const toDelivery = (row: DeliveryRow): EventDelivery => ({
  messageHash: row.message_hash,
  channel: row.channel,
  provider: row.provider,
  sentAt: row.sent_at,
  status: row.status,
  at: row.status_at === 0 ? undefined : row.status_at,
});
