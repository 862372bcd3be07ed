import { sql } from 'kysely';
import type { Database } from '../engines/database.js';
import { hasStatus } from '../limits/predicates.js';
import type { MessageRow, OutboxRow } from '../migrations/schema.js';
import { UNREPORTED_STATUS } from './message-queries.js';

/** One try of an event. Only the replica that made the last try, number `tries`, may change it. */
interface EventTry {
  pinId: string;
  subject: string;
  tries: number;
}

/** The columns of an event that a replica has claimed. */
export type ClaimedRow = Pick<
  OutboxRow,
  'pin_id' | 'subject' | 'event_id' | 'type' | 'client' | 'occurred_at' | 'created_at' | 'tries'
>;

/** The columns of a message that its verification's events report. */
export type DeliveryRow = Pick<
  MessageRow,
  'message_hash' | 'channel' | 'provider' | 'sent_at' | 'status' | 'status_at'
>;

/** Few verifications in one statement, so that no request waits long for their locks. */
export const EXPIRE_BATCH = 500;

/** The statements of a replica that finds expired codes and sends events. */
export const prepareOutboxQueries = (database: Database) =>
  database.prepare('outbox', {
    /** Marks expired verifications, the oldest first. Their codes cannot be verified any more. */
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
     * Claims at most `count` due events. An event waits for the earlier events of its verification.
     * PostgreSQL checks the conditions outside the subquery again after a wait for another replica.
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

    /** Needs no `tries`: the receiver has accepted the event, whichever try it was. */
    markSent: (_db, p: Omit<EventTry, 'tries'>) => sql`
      update outbox set state = 'sent' where pin_id = ${p.pinId} and subject = ${p.subject}`,

    /** Unless the verification exists: then its event is kept. */
    remove: (_db, p: Omit<EventTry, 'tries'>) => sql<{ event_id: string }>`
      delete from outbox where pin_id = ${p.pinId} and subject = ${p.subject}
        and not exists (select 1 from verifications where verifications.pin_id = ${p.pinId})
      returning event_id`,

    /**
     * Makes the event due later. Changes nothing if another replica has claimed the event since.
     */
    postpone: (_db, p: EventTry & { until: number }) => sql`
      update outbox set due_at = ${p.until}
      where pin_id = ${p.pinId} and subject = ${p.subject} and tries = ${p.tries}
        and state = 'waiting'`,

    /** Changes nothing if another replica has claimed the event since. */
    abandon: (_db, p: EventTry) => sql<{ event_id: string }>`
      update outbox set state = 'abandoned'
      where pin_id = ${p.pinId} and subject = ${p.subject} and tries = ${p.tries}
        and state = 'waiting'
      returning event_id`,

    readOldest: () => sql<{ created_at: number }>`
      select created_at from outbox where state = 'waiting' and created_at > 0 order by created_at limit 1`,

    /** Of every tracked message; the newest has a row of its own only if it was reported. */
    readDeliveries: (_db, p: { pinId: string }) => sql<DeliveryRow>`
      select message_hash, channel, provider, sent_at, status, status_at from messages
      where pin_id = ${p.pinId}
      union all
      select message_hash, channel, provider, message_sent_at, ${UNREPORTED_STATUS}, 0 from verifications
      where pin_id = ${p.pinId} and message_hash <> '' and not exists (
        select 1 from messages where messages.pin_id = ${p.pinId} and sent_at >= message_sent_at)
      order by sent_at`,
  });
