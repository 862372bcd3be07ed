import type { Channel } from '../../common/channel.js';

/**
 * Tables, the same on both engines. Times are milliseconds since the epoch; hashes and sealed
 * texts come from the vault.
 */
export interface Schema {
  verifications: VerificationRow;
  numbers: NumberRow;
  idempotency_keys: IdempotencyKeyRow;
}

/** Expired and exhausted are not written: they follow from the clock and the attempts. */
type StoredStatus = 'sending' | 'pending' | 'failed' | 'verified' | 'cancelled';

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
] as const satisfies readonly (keyof VerificationRow)[];

/** What limits a phone number, whoever texts it. The logs are described in `event-log.ts`. */
interface NumberRow {
  number_hash: string;
  /** Texts. */
  sends: string;
  /** Codes tried, less those that were right or never judged. */
  failures: string;
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
}
