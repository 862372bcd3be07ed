import { Inject, Injectable } from '@nestjs/common';
import { sql, type RawBuilder } from 'kysely';
import { Clock } from '../../common/clock.js';
import { UNDELIVERED_REASONS } from '../../common/delivery-status.js';
import { hours } from '../../common/durations.js';
import { getRandomBytes } from '../../common/random.js';
import { webhooksConfig, type WebhooksConfig } from '../../config/webhooks.config.js';
import { Database } from '../engines/database.js';
import type { StatementBatch } from '../engines/statement-batch.js';
import { hasStatus, isClaimable, isOpen } from '../limits/predicates.js';

const EVENT_ID_BYTES = 16;

/** Codes that expired longer ago get no event: the service was down, or had no `EVENTS_URL`. */
export const MAX_EXPIRED_MS = hours(24);

/**
 * Adds an event in the transaction that ends a verification, or stores that a message did not arrive.
 * Adds none without `EVENTS_URL`, and none if a concurrent or repeated write changed nothing.
 */
@Injectable()
export class WebhookEventRecorder {
  /** Whether `EVENTS_URL` is set. */
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

  /** Call before the statement that marks the verification as verified or unclaimed. */
  addVerified(batch: StatementBatch, pinId: string, now: number): void {
    if (this.isEnabled) this.queries.addVerified(batch, { eventId: createEventId(), pinId, now });
  }

  /** Call before the statement that cancels the verification. */
  addCancelled(batch: StatementBatch, pinId: string, client: string, now: number): void {
    if (!this.isEnabled) return;
    this.queries.addCancelled(batch, { eventId: createEventId(), pinId, client, now });
  }

  /** Call after the statement that resolves or releases an attempt. */
  addExhausted(batch: StatementBatch, pinId: string): void {
    if (this.isEnabled) this.queries.addExhausted(batch, { pinId, ...this.createEventValues() });
  }

  /** Call after the statement that confirms a send. @param pinId the verification that was sent */
  addSuperseded(batch: StatementBatch, pinId: string): void {
    if (this.isEnabled) this.queries.addSuperseded(batch, { pinId, ...this.createEventValues() });
  }

  /** Call after a new hash was given to the verifications of a number: all but one pending may end. */
  addSupersededByRehash(batch: StatementBatch, client: string, numberHash: string): void {
    if (!this.isEnabled) return;
    this.queries.addSupersededByRehash(batch, { client, numberHash, ...this.createEventValues() });
  }

  /** Call after the statements that store or link a report of a message. */
  addUndelivered(batch: StatementBatch, messageHash: string): void {
    if (this.isEnabled)
      this.queries.addUndelivered(batch, { messageHash, ...this.createEventValues() });
  }

  /** As {@link addUndelivered}, for the newest message of a verification. */
  addUndeliveredNewest(batch: StatementBatch, pinId: string): void {
    if (this.isEnabled)
      this.queries.addUndeliveredNewest(batch, { pinId, ...this.createEventValues() });
  }

  /** Call after the statement that marks the verification as expired. */
  addExpired(batch: StatementBatch, pinId: string): void {
    this.queries.addExpired(batch, { pinId, ...this.createEventValues() });
  }

  /**
   * Creates the values of a new event, for its statement. Only those of superseded verifications use
   * `expiredAfter`.
   */
  private createEventValues() {
    const now = this.clock.now();
    return { eventId: createEventId(), now, expiredAfter: now - MAX_EXPIRED_MS };
  }
}

const createEventId = (): string => getRandomBytes(EVENT_ID_BYTES).toString('base64url');

/** The parameters of an event about a verification. */
interface NewEvent {
  eventId: string;
  pinId: string;
  now: number;
}

/** Codes that expired earlier may still be pending: only addExpired ends them, with `EVENTS_URL`. */
interface ExpiryBound {
  expiredAfter: number;
}

const INSERT = sql`insert into outbox
  (event_id, pin_id, subject, type, client, occurred_at, created_at, due_at, tries, state)`;

/** The row of an event about a verification's end. PostgreSQL needs the casts to know the types. */
const selectEnd = (
  p: Omit<NewEvent, 'pinId'>,
  type: RawBuilder<unknown>,
  at = sql`${p.now}`,
) => sql`
  select cast(${p.eventId} as text), pin_id, '', ${type}, client, cast(${at} as bigint),
    cast(${p.now} as bigint), cast(${p.now} as bigint), 0, 'waiting'
  from verifications`;

/** Exhausted if all attempts are used, also by checks that got no result. */
const END_TYPE = sql`case when attempts >= max_attempts then 'verification.exhausted'
    when status = 'expired' then 'verification.expired' else 'verification.cancelled' end`;
const END_TIME = (p: { now: number }) =>
  sql`case when status = 'expired' then expires_at else ${p.now} end`;

/** The row of an event about a message; a condition on the message follows. */
const selectUndelivered = (p: Omit<NewEvent, 'pinId'>) => sql`
  select cast(${p.eventId} as text), pin_id, message_hash, 'message.undelivered',
    client, status_at, cast(${p.now} as bigint), cast(${p.now} as bigint), 0, 'waiting'
  from messages
  where pin_id <> ''
    and status in (${sql.join(UNDELIVERED_REASONS.map((reason) => sql.lit(reason)))})`;

/**
 * Each statement writes an event in the transaction of the change that it reports. The primary key
 * allows one event for the end of a verification.
 */
const prepareWebhookEventQueries = (database: Database) =>
  database.prepare('webhook_events', {
    /** Before the change, with the same condition. The lock keeps it true until the change. */
    addVerified: (_db, p: NewEvent) => sql`
      ${INSERT} ${selectEnd(p, sql.lit('verification.verified'))}
      where pin_id = ${p.pinId} and ${isClaimable(p.now)} ${database.lockClause}
      on conflict do nothing`,

    /** Before the change, like `addVerified`. */
    addCancelled: (_db, p: NewEvent & { client: string }) => sql`
      ${INSERT} ${selectEnd(p, END_TYPE)}
      where pin_id = ${p.pinId} and client = ${p.client} and ${isOpen(p.now)} ${database.lockClause}
      on conflict do nothing`,

    /** After a code was rejected, unless another code is still being checked: it may be right. */
    addExhausted: (_db, p: NewEvent) => sql`
      ${INSERT} ${selectEnd(p, sql.lit('verification.exhausted'))}
      where pin_id = ${p.pinId} and ${hasStatus('pending')}
        and attempts >= max_attempts and unresolved = 0
      on conflict do nothing`,

    /**
     * After a send was confirmed: for the older verification that it ended. If a newer send was
     * confirmed first, for its own. Never both: a number has at most one pending verification.
     */
    addSuperseded: (_db, p: NewEvent & ExpiryBound) => sql`
      ${INSERT} ${selectEnd(p, END_TYPE, END_TIME(p))}
      where expires_at > ${p.expiredAfter} and pin_id = (
        select pin_id from verifications where superseded_by = ${p.pinId} and superseded_by <> ''
        union all select pin_id from verifications
        where pin_id = ${p.pinId} and ${hasStatus('cancelled')} limit 1)
      on conflict do nothing`,

    /** After a new hash, for the verification that the pending one of the number ended. */
    addSupersededByRehash: (
      _db,
      p: Omit<NewEvent, 'pinId'> & ExpiryBound & { client: string; numberHash: string },
    ) => sql`
      ${INSERT} ${selectEnd(p, END_TYPE, END_TIME(p))}
      where expires_at > ${p.expiredAfter} and superseded_by <> '' and superseded_by = (
        select pin_id from verifications as newer
        where client = ${p.client} and number_hash = ${p.numberHash} and status = 'pending')
      on conflict do nothing`,

    /** Only if the message certainly did not arrive, and its verification is known. */
    addUndelivered: (_db, p: Omit<NewEvent, 'pinId'> & { messageHash: string }) => sql`
      ${INSERT} ${selectUndelivered(p)} and message_hash = ${p.messageHash}
      on conflict do nothing`,

    addUndeliveredNewest: (_db, p: NewEvent) => sql`
      ${INSERT} ${selectUndelivered(p)} and message_hash = (
        select message_hash from verifications where verifications.pin_id = ${p.pinId})
      on conflict do nothing`,

    /** After the status became `expired`. */
    addExpired: (_db, p: NewEvent) => sql`
      ${INSERT} ${selectEnd(p, END_TYPE, END_TIME(p))}
      where pin_id = ${p.pinId} and ${hasStatus('expired')}
      on conflict do nothing`,
  });
