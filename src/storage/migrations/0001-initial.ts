import { sql, type Kysely } from 'kysely';

/** Verifications, phone numbers, idempotency keys. `schema.ts` describes the columns. */
export async function initial(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('verifications')
    .addColumn('pin_id', 'text', (column) => column.primaryKey())
    .addColumn('client', 'text', (column) => column.notNull())
    .addColumn('number_hash', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('channel', 'text', (column) => column.notNull())
    .addColumn('reference_hash', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('max_attempts', 'integer', (column) => column.notNull())
    .addColumn('sealed', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('verified_at', 'bigint')
    .execute();
  // Finds the newest verification of a client and number. A number has few, so few rows are read.
  await db.schema
    .createIndex('verifications_by_number')
    .on('verifications')
    .columns(['client', 'number_hash', 'created_at'])
    .execute();
  // At most one code of a client is valid for a number, also under races.
  await db.schema
    .createIndex('verifications_one_pending')
    .on('verifications')
    .columns(['client', 'number_hash'])
    .unique()
    .where(sql.ref('status'), '=', sql.lit('pending'))
    .execute();
  await db.schema
    .createIndex('verifications_sending')
    .on('verifications')
    .column('created_at')
    .where(sql.ref('status'), '=', sql.lit('sending'))
    .execute();
  await db.schema
    .createIndex('verifications_by_age')
    .on('verifications')
    .column('created_at')
    .execute();

  await db.schema
    .createTable('numbers')
    .addColumn('number_hash', 'text', (column) => column.primaryKey())
    .addColumn('sends', 'text', (column) => column.notNull())
    .addColumn('failures', 'text', (column) => column.notNull())
    .addColumn('touched_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('numbers_by_age').on('numbers').column('touched_at').execute();

  await db.schema
    .createTable('idempotency_keys')
    .addColumn('client', 'text', (column) => column.notNull())
    .addColumn('key_hash', 'text', (column) => column.notNull())
    .addColumn('request_hash', 'text', (column) => column.notNull())
    .addColumn('pin_id', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('sealed_answer', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('idempotency_keys_pk', ['client', 'key_hash'])
    .execute();
  await db.schema
    .createIndex('idempotency_keys_by_age')
    .on('idempotency_keys')
    .column('created_at')
    .execute();
  await db.schema
    .createIndex('idempotency_keys_by_pin')
    .on('idempotency_keys')
    .column('pin_id')
    .execute();
}
