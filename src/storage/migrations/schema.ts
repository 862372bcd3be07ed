import type { Generated } from 'kysely';
import type { Channel } from '../../common/channel.js';
import type { DeliveryStatus } from '../../common/delivery-status.js';
import type { WebhookEventType } from '../../common/webhook-event.js';

/** The tables, the same on both engines. Times are milliseconds since the epoch. */
export interface DatabaseSchema {
  verifications: VerificationRow & UnselectedColumns;
  client_numbers: ClientNumberRow;
  /** Only replicas of the previous release count here; this release deletes old rows. */
  numbers: Omit<ClientNumberRow, 'client'>;
  idempotency_keys: IdempotencyKeyRow;
  traffic: TrafficRow;
  end_users: EndUserRow;
  messages: MessageRow;
  outbox: OutboxRow;
  usage_daily: UsageRow;
}

export interface VerificationRow {
  pin_id: string;
  client: string;
  number_hash: string;
  /**
   * `exhausted` is never stored, as it follows from the attempts. `expired` follows from the clock
   * and is stored only with its event, or when a newer verification of the number becomes pending.
   * `unclaimed`: the provider verified a code, but its answer was lost, and no request has got
   * `verified: true`.
   */
  status: 'sending' | 'pending' | 'failed' | 'unclaimed' | 'verified' | 'cancelled' | 'expired';
  channel: Channel;
  /** Empty without a reference. */
  reference_hash: string;
  attempts: number;
  max_attempts: number;
  /** Attempts without a result: their checks are running, or the answers were lost. */
  unresolved: number;
  /** From this time on, the answer to the earliest of them is assumed to be lost. */
  lost_at: number;
  /** The number and the provider's pin id, encrypted; empty until a provider accepts the send. */
  sealed: string;
  created_at: number;
  expires_at: number;
  verified_at: number | null;
  /** The provider that accepted the send; empty until then. */
  provider: string;
  /** ISO 3166 code; empty in rows of releases without fraud budgets. */
  country: string;
  prefix_hash: string;
  /** Empty without an end user. */
  end_user_hash: string;
  /** Sends of the code; 0 for a test number. */
  texts: number;
  /** The language of its messages, a canonical BCP 47 tag; empty if none was given. */
  locale: string;
  /** How many digits the code has; 0 if that is not known. Valid if `code_provider` is `provider`. */
  code_length: number;
  /** The provider of the code that has this length. */
  code_provider: string;
}

/** No query of a send or a verify selects these. */
interface UnselectedColumns {
  /** Providers that may have sent an unconfirmed message, with commas between. */
  maybe_texted: Generated<string>;
  /** `provider:channel` of each accepted send before the last one, each followed by a comma. */
  earlier_sends: Generated<string>;
  /** The `pin_id` of the verification whose send ended this one; empty if none did. */
  superseded_by: Generated<string>;
  /** That of the newest message, if it is tracked; `without id` if no report can name it. */
  message_hash: Generated<string>;
  /** When the provider accepted that message; 0 if it is not tracked. */
  message_sent_at: Generated<number>;
}

/** Never `*`: when a newer release adds a column, prepared statements of older replicas would break. */
// prettier-ignore
export const VERIFICATION_COLUMNS = [
  'pin_id', 'client', 'number_hash', 'status', 'channel', 'reference_hash', 'attempts',
  'max_attempts', 'sealed', 'created_at', 'expires_at', 'verified_at', 'provider', 'country',
  'prefix_hash', 'end_user_hash', 'texts', 'unresolved', 'lost_at', 'locale', 'code_length',
  'code_provider',
] as const satisfies readonly (keyof VerificationRow)[];

/** The columns that a counted attempt needs. Each column of each attempt costs CPU time. */
// prettier-ignore
export const ATTEMPT_COLUMNS = [
  'pin_id', 'client', 'number_hash', 'channel', 'sealed', 'created_at', 'provider', 'country',
  'unresolved', 'lost_at',
] as const satisfies readonly (keyof VerificationRow)[];

export type AttemptedVerificationRow = Pick<VerificationRow, (typeof ATTEMPT_COLUMNS)[number]>;

/** The limits of a phone number for one client. `sliding-window.ts` has the format of entries. */
interface ClientNumberRow {
  number_hash: string;
  client: string;
  /** Entries of sends. */
  sends: string;
  /** Entries of wrong codes. A code counts as wrong until its check has another result. */
  failures: string;
  /** When an entry was last added. */
  touched_at: number;
  /** When the client last verified it; 0 if never. */
  verified_at: Generated<number>;
}

/** Counts of one time bucket; see `time-buckets.ts`. */
interface TrafficRow {
  /** What is counted: see `traffic-subjects.ts`. */
  subject: string;
  /** The number of the time bucket. */
  slot: number;
  /** A subject that many transactions write at once has several rows, which are added up. */
  shard: number;
  /** Messages, wrong codes or unreachable numbers, by the subject. */
  texts: number;
  verified: number;
}

/** The limits of the end users behind one address. */
interface EndUserRow {
  address_hash: string;
  /** Entries of sends. */
  sends: string;
  touched_at: number;
}

/** The usage of one UTC day by deleted verifications, and its blocked sends. */
export interface UsageRow {
  /** As in `2026-11-30`. Usage of a verification belongs to the day of its first send. */
  day: string;
  client: string;
  /** ISO 3166 code, or `001`; empty if it is not known. */
  country: string;
  /** Empty for blocked sends. */
  provider: string;
  channel: string;
  verifications: number;
  sends: number;
  delivered: number;
  undelivered: number;
  verified: number;
  blocked: number;
}

export interface IdempotencyKeyRow {
  client: string;
  key_hash: string;
  /** Identifies the request that the key belongs to. */
  request_hash: string;
  /** The verification that the request created or changed; erasing a number finds it by this. */
  pin_id: string;
  /** `erased`: its number was erased. No request can use the key until it expires. */
  state: 'running' | 'ambiguous' | 'answered' | 'erased';
  /** The encrypted response of an answered request. */
  sealed_answer: string;
  created_at: number;
  /** A random id of the request that owns the key, or owned it last. */
  run: string;
}

/** A tracked message that was reported, or that a resend replaced. */
export interface MessageRow {
  /** SHA-256 of the provider's name and its id of the message; without an id a text of its own. */
  message_hash: string;
  /** Empty until a reported message is linked to its verification, as are client, channel and country. */
  pin_id: string;
  client: string;
  provider: string;
  channel: Channel | '';
  /** ISO 3166 code. */
  country: string;
  /** When the provider accepted the message; 0 until it is linked. */
  sent_at: number;
  status: DeliveryStatus;
  /** When the message got this status; 0 without a report. */
  status_at: number;
  /** When the report of this status came; 0 without a report. */
  received_at: number;
  /** Decimal text, as the provider reports it; empty if it does not. */
  price: string;
  /** ISO 4217 code; empty without a price. */
  currency: string;
}

/** An event. Its content is read from its verification when it is sent. */
export interface OutboxRow {
  pin_id: string;
  /** Empty for the end of the verification; the `message_hash` for a message. */
  subject: string;
  /** A random id, the same for every try. */
  event_id: string;
  type: WebhookEventType;
  client: string;
  /** When what it reports happened. */
  occurred_at: number;
  created_at: number;
  /** The next try. While a replica sends the event: when another one may send it. */
  due_at: number;
  /** Tries so far, also one that is running. */
  tries: number;
  state: 'waiting' | 'sent' | 'abandoned';
}
