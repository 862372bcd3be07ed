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
export const prepareCleanupQueries = (database: Database) => {
  const deleteOldest = (rows: RowsToChange) =>
    changeOldest<object>(database, rows, deleteFrom(rows), toColumns(rows.key));
  return database.prepare('cleanup', {
    failAbandonedSends: (_db, p: CleanupCutoff) =>
      changeOldest<object>(
        database,
        verificationsWhere(sql`status = 'sending' and created_at <= ${p.cutoff}`),
        sql`update verifications set status = 'failed'`,
        sql`pin_id`,
      ),
    deleteVerifications: (_db, p: CleanupCutoff) => {
      const rows = verificationsWhere(sql`created_at <= ${p.cutoff}`);
      return changeOldest<DeletedVerification>(
        database,
        rows,
        deleteFrom(rows),
        DELETED_VERIFICATION_COLUMNS,
      );
    },
    deleteEvents: (_db, p: CleanupCutoff) => {
      const rows = {
        table: 'outbox',
        key: ['pin_id', 'subject'],
        age: sql`created_at`,
        condition: sql`created_at <= ${p.cutoff}`,
      } as const;
      return changeOldest<DeletedEvent>(database, rows, deleteFrom(rows), sql`state`);
    },
    deleteMessages: (_db, p: CleanupCutoff) => {
      const rows = {
        table: 'messages',
        key: ['message_hash'],
        age: sql`sent_at`,
        condition: sql`pin_id <> '' and sent_at <= ${p.cutoff}`,
      } as const;
      return changeOldest<DeletedMessage>(
        database,
        rows,
        deleteFrom(rows),
        DELETED_MESSAGE_COLUMNS,
      );
    },
    /** Reports of messages without a stored send: it failed, or another program sent the message. */
    deleteUnlinkedReports: (_db, p: CleanupCutoff) =>
      deleteOldest({
        table: 'messages',
        key: ['message_hash'],
        age: sql`received_at`,
        condition: sql`pin_id = '' and received_at <= ${p.cutoff}`,
      }),
    deleteKeys: (_db, p: CleanupCutoff) =>
      deleteOldest({
        table: 'idempotency_keys',
        key: ['client', 'key_hash'],
        age: sql`created_at`,
        condition: sql`created_at <= ${p.cutoff}`,
      }),
    /** Ends the trust in numbers that were verified long ago. */
    clearVerifiedAt: (_db, p: CleanupCutoff) =>
      clearOldestVerifiedAt(database, 'client_numbers', ['number_hash', 'client'], p),
    deleteNumbers: (_db, p: CleanupCutoff) =>
      deleteOldest(unverifiedNumbers('client_numbers', ['number_hash', 'client'], p)),
    /** Replicas of the previous release count in `numbers`. */
    clearVerifiedAtOfPreviousRelease: (_db, p: CleanupCutoff) =>
      clearOldestVerifiedAt(database, 'numbers', ['number_hash'], p),
    deleteNumbersOfPreviousRelease: (_db, p: CleanupCutoff) =>
      deleteOldest(unverifiedNumbers('numbers', ['number_hash'], p)),
    deleteEndUsers: (_db, p: CleanupCutoff) =>
      deleteOldest({
        table: 'end_users',
        key: ['address_hash'],
        age: sql`touched_at`,
        condition: sql`touched_at <= ${p.cutoff}`,
      }),
    deleteTraffic: (_db, p: CleanupCutoff) =>
      deleteOldest({
        table: 'traffic',
        key: ['subject', 'slot', 'shard'],
        age: SLOT,
        condition: sql`${SLOT} < ${p.cutoff}`,
      }),
    deleteUsage: (_db, p: CleanupCutoff<string>) =>
      deleteOldest({
        table: 'usage_daily',
        key: ['day', 'client', 'country', 'provider', 'channel'],
        age: sql`day`,
        condition: sql`day < ${p.cutoff}`,
      }),
  });
};

interface RowsToChange {
  readonly table: keyof DatabaseSchema;
  /** The columns of the primary key. */
  readonly key: readonly string[];
  /** The rows with the lowest values are changed first. */
  readonly age: RawBuilder<unknown>;
  readonly condition: RawBuilder<unknown>;
}

type NumberTable = 'client_numbers' | 'numbers';

const verificationsWhere = (condition: RawBuilder<unknown>): RowsToChange => ({
  table: 'verifications',
  key: ['pin_id'],
  age: sql`created_at`,
  condition,
});

const unverifiedNumbers = (
  table: NumberTable,
  key: readonly string[],
  { cutoff }: CleanupCutoff,
): RowsToChange => ({
  table,
  key,
  age: sql`touched_at`,
  condition: sql`verified_at = 0 and touched_at <= ${cutoff}`,
});

/** Keeps the rows, because they may still count sends. {@link unverifiedNumbers} are deleted later. */
function clearOldestVerifiedAt(
  database: Database,
  table: NumberTable,
  key: readonly string[],
  { cutoff }: CleanupCutoff,
) {
  const condition = sql`verified_at > 0 and verified_at <= ${cutoff}`;
  return changeOldest<object>(
    database,
    { table, key, age: sql`verified_at`, condition },
    sql`update ${sql.table(table)} set verified_at = 0`,
    sql`number_hash`,
  );
}

const deleteFrom = ({ table }: RowsToChange) => sql`delete from ${sql.table(table)}`;

const toColumns = (names: readonly string[]) => sql.join(names.map((name) => sql.ref(name)));

/**
 * Changes the oldest rows that meet the condition. Rows that another transaction has locked are left
 * for the next cleanup, so that they delay no other row. The subquery has a name because PostgreSQL
 * then runs it once: a second run would choose further rows. The condition is repeated, because a row
 * may change before it is locked.
 */
function changeOldest<R>(
  database: Database,
  { table, key, age, condition }: RowsToChange,
  change: RawBuilder<unknown>,
  returned: RawBuilder<unknown>,
) {
  const columns = toColumns(key);
  return sql<R>`with oldest as (
      select ${columns} from ${sql.table(table)} where ${condition}
      order by ${age} limit ${sql.lit(CLEANUP_BATCH)} ${database.skipLockedClause})
    ${change} where (${columns}) in (select ${columns} from oldest) and ${condition}
    returning ${returned}`;
}
