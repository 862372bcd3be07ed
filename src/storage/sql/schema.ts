import type { Generated } from 'kysely';
import type { Channel } from '../../common/channel.js';

/**
 * Tables, the same on both engines. Times are milliseconds since the epoch; hashes and sealed
 * texts come from the vault.
 */
export interface Schema {
  verifications: VerificationRow & MaybeTexted;
  numbers: NumberRow;
  idempotency_keys: IdempotencyKeyRow;
  traffic: TrafficRow;
  end_users: EndUserRow;
}

/**
 * Exhausted is not written, it follows from the attempts; nor is expired, which follows from the
 * clock, until a newer one takes its place.
 */
export type StoredStatus = 'sending' | 'pending' | 'failed' | 'verified' | 'cancelled' | 'expired';

export interface VerificationRow {
  pin_id: string;
  /** Whose it is. */
  client: string;
  number_hash: string;
  status: StoredStatus;
  channel: Channel;
  /** Empty where the send had no reference. */
  reference_hash: string;
  attempts: number;
  max_attempts: number;
  /** The number and the provider's pin id; empty until the provider has taken the send. */
  sealed: string;
  created_at: number;
  expires_at: number;
  verified_at: number | null;
  /** Who took the send; empty until then. */
  provider: string;
  /** ISO 3166 code; empty in rows from before there were counts. */
  country: string;
  prefix_hash: string;
  /** Empty where the send named no end user. */
  end_user_hash: string;
  /** How many texts carried the code; 0 where none is sent, as to a test number. */
  texts: number;
}

/** Beside the row, because no move reads it: it is for whoever asks the provider for its own count. */
interface MaybeTexted {
  /** A provider's name for each text of its that may have left, unconfirmed; with commas between. */
  maybe_texted: Generated<string>;
}

/**
 * Never `*`: a prepared statement would break on every open connection of the older replicas once
 * a newer release adds a column.
 */
export const VERIFICATION_COLUMNS = [
  'pin_id',
  'client',
  'number_hash',
  'status',
  'channel',
  'reference_hash',
  'attempts',
  'max_attempts',
  'sealed',
  'created_at',
  'expires_at',
  'verified_at',
  'provider',
  'country',
  'prefix_hash',
  'end_user_hash',
  'texts',
] as const satisfies readonly (keyof VerificationRow)[];

/** What limits a phone number, whoever texts it. The logs are described in `event-log.ts`. */
interface NumberRow {
  number_hash: string;
  /** Texts. */
  sends: string;
  /** Codes tried, less those that were right or never judged. */
  failures: string;
  touched_at: number;
  /** When somebody last verified it, for whichever client; 0 if never. */
  verified_at: Generated<number>;
}

/** Texts of one slot of time, by what they are counted; see `../slots.ts`. */
interface TrafficRow {
  /** A prefix, a country or a client. */
  subject: string;
  slot: number;
  /** Many write to one subject at once, so it has several rows; all of them together count. */
  shard: number;
  texts: number;
  verified: number;
}

/** What limits the users behind one address. */
interface EndUserRow {
  address_hash: string;
  /** Texts; the log is described in `event-log.ts`. */
  sends: string;
  touched_at: number;
}

export interface IdempotencyKeyRow {
  client: string;
  key_hash: string;
  /** Tells whether a repeat is the same request. */
  request_hash: string;
  /** The verification it made or asked about, so that erasing a number finds it. */
  pin_id: string;
  /** `running`, `ambiguous`, or `answered` with the sealed answer. */
  state: 'running' | 'ambiguous' | 'answered';
  sealed_answer: string;
  created_at: number;
  /** Tells the run that holds the key, or held it last, from all others. */
  run: string;
}
