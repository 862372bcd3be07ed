import { sql } from 'kysely';
import type { Database } from '../engines/database.js';
import { hasStatus } from '../limits/predicates.js';
import type { MessageRow, OutboxRow } from '../migrations/schema.js';

/** Identifies an event, and the try of it that a replica makes. */
interface EventTry {
  pinId: string;
  subject: string;
  tries: number;
}

/** An event as a replica gets it to send it. */
export type ClaimedRow = Pick<
  OutboxRow,
  'pin_id' | 'subject' | 'event_id' | 'type' | 'client' | 'occurred_at' | 'created_at' | 'tries'
>;

export type DeliveryRow = Pick<
  MessageRow,
  'channel' | 'provider' | 'sent_at' | 'status' | 'status_at'
>;

/** Verifications for each statement: few, so that no request waits long for them. */
export const EXPIRE_BATCH = 500;

/** The statements of a replica that finds expired codes and sends events. */
export const prepareOutboxQueries = (database: Database) =>
  database.prepare('outbox', {
    /** The oldest first. Nothing verifies any more, so no request is interrupted. */
    expire: (_db, p: { after: number; before: number }) => {
      const hasExpired = sql`expires_at > ${p.after} and expires_at <= ${p.before}`;
      return sql<{ pin_id: string }>`
        update verifications set status = 'expired'
        where pin_id in (
          select pin_id from verifications
          where status = 'pending' and expires_at > 0 and ${hasExpired}
          order by expires_at limit ${sql.lit(EXPIRE_BATCH)})
          and ${hasStatus('pending')}
        returning pin_id`;
    },

    /**
     * Takes events that are due, at most `count`. One waits for the earlier ones of its verification.
     * The outer condition is checked again after a wait for another replica, which took the event.
     */
    claim: (_db, p: { now: number; until: number; count: number }) => sql<ClaimedRow>`
      update outbox set due_at = ${p.until}, tries = tries + 1
      where state = 'waiting' and due_at <= ${p.now} and (pin_id, subject) in (
        select pin_id, subject from outbox as due
        where state = 'waiting' and due_at <= ${p.now} and not exists (
          select 1 from outbox as earlier
          where earlier.pin_id = due.pin_id and earlier.state = 'waiting'
            and (earlier.created_at, earlier.event_id) < (due.created_at, due.event_id))
        order by due_at limit ${p.count})
      returning pin_id, subject, event_id, type, client, occurred_at, created_at, tries`,

    /** The receiver has accepted it, in whichever try. */
    markSent: (_db, p: Omit<EventTry, 'tries'>) => sql`
      update outbox set state = 'sent' where pin_id = ${p.pinId} and subject = ${p.subject}`,

    /** Unless another replica tries it by now. */
    postpone: (_db, p: EventTry & { until: number }) => sql`
      update outbox set due_at = ${p.until}
      where pin_id = ${p.pinId} and subject = ${p.subject} and tries = ${p.tries}
        and state = 'waiting'`,

    /** Unless another replica tries it by now. */
    abandon: (_db, p: EventTry) => sql<{ event_id: string }>`
      update outbox set state = 'abandoned'
      where pin_id = ${p.pinId} and subject = ${p.subject} and tries = ${p.tries}
        and state = 'waiting'
      returning event_id`,

    readOldest: () => sql<{ created_at: number }>`
      select created_at from outbox where state = 'waiting' and created_at > 0 order by created_at limit 1`,

    readDeliveries: (db, p: { pinId: string }) =>
      db
        .selectFrom('messages')
        .select(['channel', 'provider', 'sent_at', 'status', 'status_at'])
        .where('pin_id', '=', p.pinId)
        .orderBy('sent_at'),
  });
