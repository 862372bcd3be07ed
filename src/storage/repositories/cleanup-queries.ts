import { sql, type RawBuilder } from 'kysely';
import type { Database } from '../engines/database.js';
import type { DatabaseSchema, OutboxRow } from '../migrations/schema.js';
import {
  DELETED_VERIFICATION_COLUMNS,
  DELETED_MESSAGE_COLUMNS,
  type DeletedMessage,
  type DeletedVerification,
} from '../usage-counts.js';

interface CleanupCutoff<T = number> {
  /**
   * The newest time of the rows to change, in milliseconds since the epoch. Exceptions: the oldest
   * bucket of `traffic` and the oldest day of `usage_daily` to keep.
   */
  cutoff: T;
}

export type DeletedEvent = Pick<OutboxRow, 'state'>;

/** Rows per statement: few, so that a cleanup never blocks a send for long. */
export const CLEANUP_BATCH = 500;

/** The expression of the index `traffic_by_age`. `0013-traffic-age.ts` says why it is not `slot`. */
const SLOT = sql`slot + 0`;

/** Each statement changes one batch, the oldest rows first, and returns a row for each. */
export const prepareCleanupQueries = (database: Database) =>
  database.prepare('cleanup', {
    failAbandonedSends: (_db, p: CleanupCutoff) => {
      const condition = sql`status = 'sending' and created_at <= ${p.cutoff}`;
      const oldest = isAmongOldest('verifications', ['pin_id'], 'created_at', condition);
      return sql<object>`update verifications set status = 'failed'
        where ${oldest} returning pin_id`;
    },
    deleteVerifications: (_db, p: CleanupCutoff) => {
      const condition = sql`created_at <= ${p.cutoff}`;
      const oldest = isAmongOldest('verifications', ['pin_id'], 'created_at', condition);
      return sql<DeletedVerification>`delete from verifications
        where ${oldest} returning ${DELETED_VERIFICATION_COLUMNS}`;
    },
    deleteEvents: (_db, p: CleanupCutoff) => {
      const condition = sql`created_at <= ${p.cutoff}`;
      const oldest = isAmongOldest('outbox', ['pin_id', 'subject'], 'created_at', condition);
      return sql<DeletedEvent>`delete from outbox where ${oldest} returning state`;
    },
    deleteMessages: (_db, p: CleanupCutoff) => {
      const condition = sql`pin_id <> '' and sent_at <= ${p.cutoff}`;
      const oldest = isAmongOldest('messages', ['message_hash'], 'sent_at', condition);
      return sql<DeletedMessage>`delete from messages
        where ${oldest} returning ${DELETED_MESSAGE_COLUMNS}`;
    },
    /** Reports of messages without a stored send: it failed, or another program sent the message. */
    deleteUnlinkedReports: (_db, p: CleanupCutoff) =>
      deleteOldest(
        'messages',
        ['message_hash'],
        'received_at',
        sql`pin_id = '' and received_at <= ${p.cutoff}`,
      ),
    deleteKeys: (_db, p: CleanupCutoff) =>
      deleteOldest(
        'idempotency_keys',
        ['client', 'key_hash'],
        'created_at',
        sql`created_at <= ${p.cutoff}`,
      ),
    /** Ends the trust in numbers that were verified long ago. */
    clearVerifiedAt: (_db, p: CleanupCutoff) =>
      clearOldestVerifiedAt('client_numbers', ['number_hash', 'client'], p),
    deleteNumbers: (_db, p: CleanupCutoff) =>
      deleteUnverified('client_numbers', ['number_hash', 'client'], p),
    /** Replicas of the previous release count in `numbers`. */
    clearVerifiedAtOfPreviousRelease: (_db, p: CleanupCutoff) =>
      clearOldestVerifiedAt('numbers', ['number_hash'], p),
    deleteNumbersOfPreviousRelease: (_db, p: CleanupCutoff) =>
      deleteUnverified('numbers', ['number_hash'], p),
    deleteEndUsers: (_db, p: CleanupCutoff) =>
      deleteOldest('end_users', ['address_hash'], 'touched_at', sql`touched_at <= ${p.cutoff}`),
    deleteTraffic: (_db, p: CleanupCutoff) =>
      deleteOldest('traffic', ['subject', 'slot', 'shard'], SLOT, sql`${SLOT} < ${p.cutoff}`),
    deleteUsage: (_db, p: CleanupCutoff<string>) =>
      deleteOldest(
        'usage_daily',
        ['day', 'client', 'country', 'provider', 'channel'],
        'day',
        sql`day < ${p.cutoff}`,
      ),
  });

type NumberTable = 'client_numbers' | 'numbers';

/** Keeps the rows, because they may still count sends. {@link deleteUnverified} deletes them later. */
function clearOldestVerifiedAt(
  table: NumberTable,
  key: readonly string[],
  { cutoff }: CleanupCutoff,
) {
  const condition = sql`verified_at > 0 and verified_at <= ${cutoff}`;
  const oldest = isAmongOldest(table, key, 'verified_at', condition);
  return sql<object>`update ${sql.table(table)} set verified_at = 0 where ${oldest} returning number_hash`;
}

const deleteUnverified = (table: NumberTable, key: readonly string[], { cutoff }: CleanupCutoff) =>
  deleteOldest(table, key, 'touched_at', sql`verified_at = 0 and touched_at <= ${cutoff}`);

function deleteOldest(...args: Parameters<typeof isAmongOldest>) {
  const [table, key] = args;
  return sql<object>`delete from ${sql.table(table)} where ${isAmongOldest(...args)}
    returning ${sql.join(key.map((column) => sql.ref(column)))}`;
}

/**
 * True for the oldest rows that meet the condition. The condition is also outside the subquery,
 * because PostgreSQL checks only that part again after a wait for a row lock.
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
