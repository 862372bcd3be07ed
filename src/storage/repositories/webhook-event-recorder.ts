import { Inject, Injectable } from '@nestjs/common';
import { sql, type RawBuilder } from 'kysely';
import { Clock } from '../../common/clock.js';
import { UNDELIVERED_REASONS } from '../../common/delivery-status.js';
import { getRandomBytes } from '../../common/random.js';
import { webhooksConfig, type WebhooksConfig } from '../../config/webhooks.config.js';
import { Database } from '../engines/database.js';
import type { StatementBatch } from '../engines/statement-batch.js';
import { hasStatus, isClaimable, isOpen } from '../limits/predicates.js';

const EVENT_ID_BYTES = 16;

/**
 * Adds an event to the transaction that ends a verification. Without `EVENTS_URL` it adds nothing.
 * A statement that ended nothing, in a race or a repeated write, adds no event either.
 */
@Injectable()
export class WebhookEventRecorder {
  /** Whether there are events. */
  readonly isEnabled: boolean;
  private readonly queries;

  constructor(
    database: Database,
    private readonly clock: Clock,
    @Inject(webhooksConfig.KEY) { receiver }: WebhooksConfig,
  ) {
    this.isEnabled = receiver !== undefined;
    this.queries = prepareWebhookEventQueries(database);
  }

  /** Comes before the statement that marks it verified or unclaimed. */
  addVerified(batch: StatementBatch, pinId: string, now: number): void {
    if (this.isEnabled) this.queries.addVerified(batch, { eventId: createEventId(), pinId, now });
  }

  /** Comes before the statement that cancels it. */
  addCancelled(batch: StatementBatch, pinId: string, client: string, now: number): void {
    if (!this.isEnabled) return;
    this.queries.addCancelled(batch, { eventId: createEventId(), pinId, client, now });
  }

  /** Comes after the statement that resolves or releases an attempt. */
  addExhausted(batch: StatementBatch, pinId: string): void {
    if (!this.isEnabled) return;
    const now = this.clock.now();
    this.queries.addExhausted(batch, { eventId: createEventId(), pinId, now });
  }

  /** Comes after the statement that confirms a send. @param pinId that of the send */
  addSuperseded(batch: StatementBatch, pinId: string): void {
    if (!this.isEnabled) return;
    const now = this.clock.now();
    this.queries.addSuperseded(batch, { eventId: createEventId(), pinId, now });
  }

  /** Comes after a change of secrets gave the verifications of a number one hash. */
  addRehashed(batch: StatementBatch, client: string, numberHash: string): void {
    if (!this.isEnabled) return;
    const now = this.clock.now();
    this.queries.addRehashed(batch, { eventId: createEventId(), client, numberHash, now });
  }

  /**
   * Comes after the statement that stores the status of a message.
   * @param since when the report of that status came, at the earliest
   */
  addUndelivered(batch: StatementBatch, messageHash: string, since: number): void {
    if (!this.isEnabled) return;
    const now = this.clock.now();
    this.queries.addUndelivered(batch, { eventId: createEventId(), messageHash, since, now });
  }

  /** Comes after the statement that marks it expired. */
  addExpired(batch: StatementBatch, pinId: string): void {
    const now = this.clock.now();
    this.queries.addExpired(batch, { eventId: createEventId(), pinId, now });
  }
}

const createEventId = (): string => getRandomBytes(EVENT_ID_BYTES).toString('base64url');

/** An event and its verification. */
interface NewEvent {
  eventId: string;
  pinId: string;
  now: number;
}

const INSERT = sql`insert into outbox
  (event_id, pin_id, subject, type, client, occurred_at, created_at, due_at, tries, state)`;

/** What an event of the verification's end holds. In a select nothing else gives its types. */
const selectEnd = (
  p: Omit<NewEvent, 'pinId'>,
  type: RawBuilder<unknown>,
  at = sql`${p.now}`,
) => sql`
  select cast(${p.eventId} as text), pin_id, '', ${type}, client, cast(${at} as bigint),
    cast(${p.now} as bigint), cast(${p.now} as bigint), 0, 'waiting'
  from verifications`;

/** An attempt that is used up, or whose check lacks a result, stays so after the end. */
const END_TYPE = sql`case when attempts >= max_attempts then 'verification.exhausted'
    when status = 'expired' then 'verification.expired' else 'verification.cancelled' end`;
const END_TIME = (p: { now: number }) =>
  sql`case when status = 'expired' then expires_at else ${p.now} end`;

/**
 * Each statement writes an event in the transaction of the change that it reports. The primary key
 * allows one event for the end of a verification.
 */
const prepareWebhookEventQueries = (database: Database) =>
  database.prepare('webhook_events', {
    /** Before the change, with its condition: the lock keeps it true for the rest. */
    addVerified: (_db, p: NewEvent) => sql`
      ${INSERT} ${selectEnd(p, sql.lit('verification.verified'))}
      where pin_id = ${p.pinId} and ${isClaimable(p.now)} ${database.lockClause}
      on conflict do nothing`,

    /** Before the change, as `addVerified`. */
    addCancelled: (_db, p: NewEvent & { client: string }) => sql`
      ${INSERT} ${selectEnd(p, END_TYPE)}
      where pin_id = ${p.pinId} and client = ${p.client} and ${isOpen(p.now)} ${database.lockClause}
      on conflict do nothing`,

    /** After a code was rejected. While another one is checked, that one may be right. */
    addExhausted: (_db, p: NewEvent) => sql`
      ${INSERT} ${selectEnd(p, sql.lit('verification.exhausted'))}
      where pin_id = ${p.pinId} and ${hasStatus('pending')}
        and attempts >= max_attempts and unresolved = 0
      on conflict do nothing`,

    /**
     * After a send was confirmed: for the verification that it ended, or for its own if a newer one
     * was confirmed before. Never both, because one verification of a number is pending at most.
     */
    addSuperseded: (_db, p: NewEvent) => sql`
      ${INSERT} ${selectEnd(p, END_TYPE, END_TIME(p))}
      where pin_id = (
        select pin_id from verifications where superseded_by = ${p.pinId} and superseded_by <> ''
        union all select pin_id from verifications
        where pin_id = ${p.pinId} and ${hasStatus('cancelled')} limit 1)
      on conflict do nothing`,

    /** After a change of secrets, for the one that the pending one of a number ended. */
    addRehashed: (_db, p: Omit<NewEvent, 'pinId'> & { client: string; numberHash: string }) => sql`
      ${INSERT} ${selectEnd(p, END_TYPE, END_TIME(p))}
      where superseded_by <> '' and superseded_by = (
        select pin_id from verifications as newer
        where client = ${p.client} and number_hash = ${p.numberHash} and status = 'pending')
      on conflict do nothing`,

    /** If the message of a known verification surely did not arrive. */
    addUndelivered: (
      _db,
      p: Omit<NewEvent, 'pinId'> & { messageHash: string; since: number },
    ) => sql`
      ${INSERT} select cast(${p.eventId} as text), pin_id, message_hash, 'message.undelivered',
        client, status_at, cast(${p.now} as bigint), cast(${p.now} as bigint), 0, 'waiting'
      from messages
      where message_hash = ${p.messageHash} and pin_id <> '' and received_at >= ${p.since}
        and status in (${sql.join(UNDELIVERED_REASONS.map((reason) => sql.lit(reason)))})
      on conflict do nothing`,

    /** After the status became `expired`. */
    addExpired: (_db, p: NewEvent) => sql`
      ${INSERT} ${selectEnd(p, END_TYPE, END_TIME(p))}
      where pin_id = ${p.pinId} and ${hasStatus('expired')}
      on conflict do nothing`,
  });
