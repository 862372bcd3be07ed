import { sql, type RawBuilder } from 'kysely';
import type { DeliveryStatus } from '../../common/delivery-status.js';
import type { Database } from '../engines/database.js';
import type { MessageRow, VerificationRow } from '../migrations/schema.js';

interface PinKey {
  pinId: string;
}

interface MessageKey {
  messageHash: string;
}

/** A report of a message. */
interface ReportedStatus extends MessageKey {
  provider: string;
  status: DeliveryStatus;
  statusAt: number;
  receivedAt: number;
  price: string;
  currency: string;
}

/** A message that a report changed, with the columns of its event. */
export type ReportedMessage = Pick<
  MessageRow,
  'pin_id' | 'client' | 'provider' | 'channel' | 'country' | 'sent_at' | 'status' | 'status_at'
>;

type DeliveryRow = Pick<MessageRow, 'status' | 'status_at'>;

/**
 * The verification that a provider's callback names: to ask whether to send its message, or to report
 * its code verified. `unresolved` counts its checks without a result.
 */
export type ReferencedVerification = Pick<
  VerificationRow,
  'client' | 'number_hash' | 'status' | 'unresolved'
>;

/** Reports that one transaction links, so that it stays short. */
export const LINK_BATCH = 500;

const REPORTED_COLUMNS = sql`messages.pin_id, messages.client, messages.provider, messages.channel,
  messages.country, messages.sent_at, messages.status, messages.status_at`;

/** In `message_hash` of a verification whose newest message has no id: no report can name it. */
export const WITHOUT_ID = 'without id';

/** Whether a report can name the newest message of a verification; as the index has it. */
const canBeReported = sql`verifications.message_hash <> ''
  and verifications.message_hash <> ${sql.lit(WITHOUT_ID)}`;

/** The status of the newest message of a verification, if it was not reported. */
export const UNREPORTED_STATUS = sql<DeliveryStatus>`
  case when verifications.message_hash = ${sql.lit(WITHOUT_ID)} then 'unknown' else 'pending' end`;

/**
 * Whether a report changes the stored message. `unknown` replaces `pending`. A final status replaces
 * both and stays, but `delivered` replaces `expired`. A price alone is added to a `pending` message
 * without one.
 */
const changesMessage = sql`(messages.status = 'pending' and excluded.status <> 'pending'
  or messages.status = 'unknown' and excluded.status not in ('pending', 'unknown')
  or messages.status = 'expired' and excluded.status = 'delivered'
  or messages.status = 'pending' and messages.price = '' and excluded.price <> '')`;

/** Links the waiting report of a verification's newest message. */
const linkReportOf = (isVerification: RawBuilder<unknown>) => sql<ReportedMessage>`
  update messages set pin_id = verifications.pin_id, client = verifications.client,
    channel = verifications.channel, country = verifications.country, sent_at = message_sent_at
  from verifications
  where ${isVerification} and ${canBeReported}
    and messages.message_hash = verifications.message_hash and messages.pin_id = ''
  returning ${REPORTED_COLUMNS}`;

/** The statements on `messages`. */
export const prepareMessageQueries = (database: Database) =>
  database.prepare('messages', {
    /** Adds the newest message before a resend replaces it; the lock keeps it unchanged until then. */
    addReplaced: (_db, p: PinKey) => sql`
      insert into messages (message_hash, pin_id, client, provider, channel, country, sent_at,
        status, status_at, received_at, price, currency)
      select case when message_hash = ${sql.lit(WITHOUT_ID)}
          then message_hash || ' ' || pin_id || ' ' || message_sent_at else message_hash end,
        pin_id, client, provider, channel, country, message_sent_at, ${UNREPORTED_STATUS}, 0, 0, '', ''
      from verifications where pin_id = ${p.pinId} and message_hash <> '' ${database.lockClause}
      on conflict do nothing`,

    /**
     * Keeps the report of an unknown message until its send is stored: `max` gives a row for it, too.
     * Returns no row if the report changes nothing.
     */
    applyReport: (_db, p: ReportedStatus) => sql<ReportedMessage>`
      insert into messages (message_hash, pin_id, client, provider, channel, country, sent_at,
        status, status_at, received_at, price, currency)
      select ${p.messageHash}, coalesce(max(pin_id), ''), coalesce(max(client), ''), ${p.provider},
        coalesce(max(channel), ''), coalesce(max(country), ''), coalesce(max(message_sent_at), 0),
        ${p.status}, cast(${p.statusAt} as bigint), cast(${p.receivedAt} as bigint), ${p.price},
        ${p.currency}
      from verifications where message_hash = ${p.messageHash} and ${canBeReported}
      on conflict (message_hash) do update set status = excluded.status,
        status_at = excluded.status_at, received_at = excluded.received_at,
        price = case when excluded.price = '' then messages.price else excluded.price end,
        currency = case when excluded.price = '' then messages.currency else excluded.currency end
      where ${changesMessage}
      returning ${REPORTED_COLUMNS}`,

    /** Links a report that came before its send was stored to its verification. */
    link: (_db, p: MessageKey) => linkReportOf(sql`verifications.message_hash = ${p.messageHash}`),

    /** As `link`, for the newest message of a verification. */
    linkNewest: (_db, p: PinKey) => linkReportOf(sql`verifications.pin_id = ${p.pinId}`),

    /** The reported messages whose sends are stored by now. */
    findLinkable: () => sql<Pick<MessageRow, 'message_hash'>>`
      select messages.message_hash from messages
      join verifications on verifications.message_hash = messages.message_hash and ${canBeReported}
      where messages.pin_id = '' and received_at > 0 limit ${sql.lit(LINK_BATCH)}`,

    /** The delivery of the newest message, if it is tracked. */
    readDelivery: (_db, p: PinKey) => sql<DeliveryRow>`
      select coalesce(messages.status, ${UNREPORTED_STATUS}) as status,
        coalesce(status_at, 0) as status_at
      from verifications left join messages
        on messages.pin_id = verifications.pin_id and sent_at >= message_sent_at
      where verifications.pin_id = ${p.pinId} and verifications.message_hash <> ''
      order by sent_at desc limit 1`,

    readVerification: (_db, p: PinKey) => sql<ReferencedVerification>`
      select client, number_hash, status, unresolved from verifications
      where pin_id = ${p.pinId}`,
  });
