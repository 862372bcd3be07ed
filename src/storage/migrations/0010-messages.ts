import { sql, type Kysely } from 'kysely';

/**
 * Adds a table of reported and replaced messages, and to each verification its newest message.
 * `MessageRow` explains the columns.
 */
export async function messages(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('messages')
    .addColumn('message_hash', 'text', (column) => column.primaryKey())
    .addColumn('pin_id', 'text', (column) => column.notNull())
    .addColumn('client', 'text', (column) => column.notNull())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('channel', 'text', (column) => column.notNull())
    .addColumn('country', 'text', (column) => column.notNull())
    .addColumn('sent_at', 'bigint', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('status_at', 'bigint', (column) => column.notNull())
    .addColumn('received_at', 'bigint', (column) => column.notNull())
    .addColumn('price', 'text', (column) => column.notNull())
    .addColumn('currency', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('messages_by_pin').on('messages').column('pin_id').execute();
  await db.schema
    .createIndex('messages_by_age')
    .on('messages')
    .column('sent_at')
    .where(sql.ref('pin_id'), '<>', sql.lit(''))
    .execute();
  // Reported messages that belong to no stored send: the send is stored later, or never.
  await db.schema
    .createIndex('messages_waiting')
    .on('messages')
    .column('received_at')
    .where(sql.ref('pin_id'), '=', sql.lit(''))
    .execute();

  await db.schema
    .alterTable('verifications')
    .addColumn('message_hash', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
  await db.schema
    .alterTable('verifications')
    .addColumn('message_sent_at', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createIndex('verifications_by_message')
    .on('verifications')
    .column('message_hash')
    .where(sql.ref('message_hash'), '<>', sql.lit(''))
    .where(sql.ref('message_hash'), '<>', sql.lit('without id'))
    .execute();
}
