import { sql, type Kysely } from 'kysely';

/**
 * The events of verifications, written together with the change that they report, and sent later.
 */
export async function outbox(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('outbox')
    .addColumn('pin_id', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('event_id', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('client', 'text', (column) => column.notNull())
    .addColumn('occurred_at', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('due_at', 'bigint', (column) => column.notNull())
    .addColumn('tries', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    // One event for the end of a verification, and one for each message.
    .addPrimaryKeyConstraint('outbox_pk', ['pin_id', 'subject'])
    .execute();
  const isWaiting = [sql.ref('state'), '=', sql.lit('waiting')] as const;
  await db.schema
    .createIndex('outbox_waiting')
    .on('outbox')
    .column('due_at')
    .where(...isWaiting)
    .execute();
  await db.schema
    .createIndex('outbox_oldest')
    .on('outbox')
    .column('created_at')
    .where(...isWaiting)
    .execute();
  await db.schema.createIndex('outbox_by_age').on('outbox').column('created_at').execute();

  // The newer verification whose send cancelled this one; empty in rows of the previous release.
  await db.schema
    .alterTable('verifications')
    .addColumn('superseded_by', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
  await db.schema
    .createIndex('verifications_superseded')
    .on('verifications')
    .column('superseded_by')
    .where(sql.ref('superseded_by'), '<>', sql.lit(''))
    .execute();
  // `expires_at > 0` keeps this index out of every other statement. Without statistics, PostgreSQL
  // would prefer this index to the right one, and read all pending verifications.
  await db.schema
    .createIndex('verifications_pending')
    .on('verifications')
    .column('expires_at')
    .where(sql.ref('status'), '=', sql.lit('pending'))
    .where(sql.ref('expires_at'), '>', sql.lit(0))
    .execute();
}
