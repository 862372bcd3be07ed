import { sql, type RawBuilder } from 'kysely';
import type { Database } from '../engines/database.js';
import type { DatabaseSchema } from '../migrations/schema.js';
import {
  DELETED_VERIFICATION_COLUMNS,
  DELETED_MESSAGE_COLUMNS,
  type DeletedMessage,
  type DeletedVerification,
} from '../usage-counts.js';

interface CleanupCutoff<T = number> {
  /** Milliseconds since the epoch; of traffic, a time bucket; of usage, a day. */
  before: T;
}

/** Rows per statement: few, so that a cleanup never blocks a send for long. */
export const CLEANUP_BATCH = 500;

/** As its index has it, which no other statement can use; see `0013-traffic-age.ts`. */
const SLOT = sql`slot + 0`;

/** Each statement changes one batch, the oldest rows first, and returns a row for each. */
export const prepareCleanupQueries = (database: Database) =>
  database.prepare('cleanup', {
    failAbandonedSends: (_db, p: CleanupCutoff) => {
      const condition = sql`status = 'sending' and created_at <= ${p.before}`;
      const oldest = isAmongOldest('verifications', ['pin_id'], 'created_at', condition);
      return sql<object>`update verifications set status = 'failed'
        where ${oldest} returning pin_id`;
    },
    deleteVerifications: (_db, p: CleanupCutoff) => {
      const condition = sql`created_at <= ${p.before}`;
      const oldest = isAmongOldest('verifications', ['pin_id'], 'created_at', condition);
      return sql<DeletedVerification>`delete from verifications
        where ${oldest} returning ${DELETED_VERIFICATION_COLUMNS}`;
    },
    deleteEvents: (_db, p: CleanupCutoff) =>
      deleteOldest('outbox', ['pin_id', 'subject'], 'created_at', sql`created_at <= ${p.before}`),
    deleteMessages: (_db, p: CleanupCutoff) => {
      const condition = sql`pin_id <> '' and sent_at <= ${p.before}`;
      const oldest = isAmongOldest('messages', ['message_hash'], 'sent_at', condition);
      return sql<DeletedMessage>`delete from messages
        where ${oldest} returning ${DELETED_MESSAGE_COLUMNS}`;
    },
    /** Reports of messages that this service did not send, or whose send failed. */
    deleteWaitingReports: (_db, p: CleanupCutoff) =>
      deleteOldest(
        'messages',
        ['message_hash'],
        'received_at',
        sql`pin_id = '' and received_at <= ${p.before}`,
      ),
    deleteKeys: (_db, p: CleanupCutoff) =>
      deleteOldest(
        'idempotency_keys',
        ['client', 'key_hash'],
        'created_at',
        sql`created_at <= ${p.before}`,
      ),
    untrustNumbers: (_db, p: CleanupCutoff) =>
      untrustOldest('client_numbers', ['number_hash', 'client'], p),
    deleteNumbers: (_db, p: CleanupCutoff) =>
      deleteUntrusted('client_numbers', ['number_hash', 'client'], p),
    /** Replicas of the previous release count in `numbers`. */
    untrustNumbersOfPreviousRelease: (_db, p: CleanupCutoff) =>
      untrustOldest('numbers', ['number_hash'], p),
    deleteNumbersOfPreviousRelease: (_db, p: CleanupCutoff) =>
      deleteUntrusted('numbers', ['number_hash'], p),
    deleteEndUsers: (_db, p: CleanupCutoff) =>
      deleteOldest('end_users', ['address_hash'], 'touched_at', sql`touched_at <= ${p.before}`),
    deleteTraffic: (_db, p: CleanupCutoff) =>
      deleteOldest('traffic', ['subject', 'slot', 'shard'], SLOT, sql`${SLOT} < ${p.before}`),
    deleteUsage: (_db, p: CleanupCutoff<string>) =>
      deleteOldest(
        'usage_daily',
        ['day', 'client', 'country', 'provider', 'channel'],
        'day',
        sql`day < ${p.before}`,
      ),
  });

type NumberTable = 'client_numbers' | 'numbers';

/** Keeps the rows, which may still count sends; {@link deleteUntrusted} deletes them. */
function untrustOldest(table: NumberTable, key: readonly string[], { before }: CleanupCutoff) {
  const condition = sql`verified_at > 0 and verified_at <= ${before}`;
  const oldest = isAmongOldest(table, key, 'verified_at', condition);
  return sql<object>`update ${sql.table(table)} set verified_at = 0 where ${oldest} returning number_hash`;
}

const deleteUntrusted = (table: NumberTable, key: readonly string[], { before }: CleanupCutoff) =>
  deleteOldest(table, key, 'touched_at', sql`verified_at = 0 and touched_at <= ${before}`);

function deleteOldest(...args: Parameters<typeof isAmongOldest>) {
  const [table, key] = args;
  return sql<object>`delete from ${sql.table(table)} where ${isAmongOldest(...args)}
    returning ${sql.join(key.map((column) => sql.ref(column)))}`;
}

/**
 * True for the oldest rows that meet the condition. The outer condition is checked again after a
 * wait for a row lock.
 */
function isAmongOldest(
  table: keyof DatabaseSchema,
  key: readonly string[],
  age: string | RawBuilder<unknown>,
  condition: RawBuilder<unknown>,
): RawBuilder<boolean> {
  const columns = sql.join(key.map((column) => sql.ref(column)));
  return sql`(${columns}) in (
      select ${columns} from ${sql.table(table)} where ${condition}
      order by ${typeof age === 'string' ? sql.ref(age) : age} limit ${sql.lit(CLEANUP_BATCH)})
    and ${condition}`;
}
