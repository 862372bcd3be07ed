import { sql, type Kysely } from 'kysely';

/** The messages that providers accepted while their delivery reports were switched on. */
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
  // Reports of messages whose send is not known, or not yet.
  await db.schema
    .createIndex('messages_waiting')
    .on('messages')
    .column('received_at')
    .where(sql.ref('pin_id'), '=', sql.lit(''))
    .execute();
}
