import { sql } from 'kysely';
import type { Channel } from '../../common/channel.js';
import type { DeliveryStatus } from '../../common/delivery-status.js';
import type { Database } from '../engines/database.js';
import type { MessageRow, VerificationRow } from '../migrations/schema.js';

interface PinKey {
  pinId: string;
}

/** A message that a provider accepted. */
interface SentMessage extends PinKey {
  messageHash: string;
  provider: string;
  channel: Channel;
  sentAt: number;
  status: DeliveryStatus;
}

/** A report of a message. */
interface ReportedStatus {
  messageHash: string;
  provider: string;
  status: DeliveryStatus;
  statusAt: number;
  receivedAt: number;
  price: string;
  currency: string;
}

/** What an observer of a changed message needs. */
export type ReportedMessage = Pick<
  MessageRow,
  'pin_id' | 'client' | 'provider' | 'channel' | 'country' | 'sent_at' | 'status' | 'status_at'
>;

type DeliveryRow = Pick<MessageRow, 'status' | 'status_at'>;

/** The verification that a provider asks about before it sends. */
export type RequestedVerification = Pick<
  VerificationRow,
  'client' | 'number_hash' | 'status' | 'unresolved'
>;

const REPORTED_COLUMNS = sql`messages.pin_id, messages.client, messages.provider, messages.channel,
  messages.country, messages.sent_at, messages.status, messages.status_at`;

/**
 * Whether a report is newer news than what is stored: `pending` < `unknown` < the others. Of those the
 * first stays, but a message that the provider gave up may still be delivered. A price is news too.
 */
const isNews = sql`(messages.status = 'pending' and excluded.status <> 'pending'
  or messages.status = 'unknown' and excluded.status not in ('pending', 'unknown')
  or messages.status = 'expired' and excluded.status = 'delivered'
  or messages.status = 'pending' and messages.price = '' and excluded.price <> '')`;

/** The statements on `messages`. */
export const prepareMessageQueries = (database: Database) =>
  database.prepare('messages', {
    /**
     * Unless its verification was erased meanwhile. A report may have come before: then its status
     * stays.
     */
    insert: (_db, p: SentMessage) => sql<ReportedMessage>`
      insert into messages (message_hash, pin_id, client, provider, channel, country, sent_at,
        status, status_at, received_at, price, currency)
      select ${p.messageHash}, pin_id, client, ${p.provider}, ${p.channel}, country,
        cast(${p.sentAt} as bigint), ${p.status}, 0, 0, '', ''
      from verifications where pin_id = ${p.pinId}
      on conflict (message_hash) do update set pin_id = excluded.pin_id, client = excluded.client,
        channel = excluded.channel, country = excluded.country, sent_at = excluded.sent_at
      returning ${REPORTED_COLUMNS}`,

    /** Keeps the report of an unknown message until its send is stored. Returns no row if it is no news. */
    applyReport: (_db, p: ReportedStatus) => sql<ReportedMessage>`
      insert into messages (message_hash, pin_id, client, provider, channel, country, sent_at,
        status, status_at, received_at, price, currency)
      values (${p.messageHash}, '', '', ${p.provider}, '', '', 0, ${p.status}, ${p.statusAt},
        ${p.receivedAt}, ${p.price}, ${p.currency})
      on conflict (message_hash) do update set status = excluded.status,
        status_at = excluded.status_at, received_at = excluded.received_at,
        price = case when excluded.price = '' then messages.price else excluded.price end,
        currency = case when excluded.price = '' then messages.currency else excluded.currency end
      where ${isNews}
      returning ${REPORTED_COLUMNS}`,

    /** After a change of secrets. */
    rehash: (_db, p: { oldHash: string; newHash: string }) => sql`
      update messages set message_hash = ${p.newHash}
      where message_hash = ${p.oldHash} and not exists (
        select 1 from messages as existing where existing.message_hash = ${p.newHash})`,

    /** The newest message of a verification. */
    readNewest: (_db, p: PinKey) => sql<DeliveryRow>`
      select status, status_at from messages where pin_id = ${p.pinId}
      order by sent_at desc limit 1`,

    readVerification: (_db, p: PinKey) => sql<RequestedVerification>`
      select client, number_hash, status, unresolved from verifications
      where pin_id = ${p.pinId}`,
  });
