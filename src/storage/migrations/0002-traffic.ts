import { sql, type Kysely } from 'kysely';

/** The counts for budgets: messages by provider, destination and end user, and verified numbers. */
export async function traffic(db: Kysely<unknown>): Promise<void> {
  // Replicas of the previous release still write rows without these columns.
  for (const name of ['provider', 'country', 'prefix_hash', 'end_user_hash']) {
    await db.schema
      .alterTable('verifications')
      .addColumn(name, 'text', (column) => column.notNull().defaultTo(''))
      .execute();
  }
  await db.schema
    .alterTable('verifications')
    .addColumn('texts', 'integer', (column) => column.notNull().defaultTo(1))
    .execute();
  // `sealed` is filled once a provider accepts the send. So far, Infobip was the only provider.
  await sql`update verifications set provider = 'infobip' where sealed <> ''`.execute(db);

  await db.schema
    .alterTable('numbers')
    .addColumn('verified_at', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
  // The cleanup deletes numbers whose `verified_at` is 0. For old successes, it first sets it to 0.
  await db.schema.dropIndex('numbers_by_age').execute();
  await db.schema
    .createIndex('numbers_never_verified')
    .on('numbers')
    .column('touched_at')
    .where(sql.ref('verified_at'), '=', sql.lit(0))
    .execute();
  await db.schema
    .createIndex('numbers_verified')
    .on('numbers')
    .column('verified_at')
    .where(sql.ref('verified_at'), '>', sql.lit(0))
    .execute();

  await db.schema
    .createTable('traffic')
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('slot', 'bigint', (column) => column.notNull())
    .addColumn('shard', 'integer', (column) => column.notNull())
    .addColumn('texts', 'integer', (column) => column.notNull())
    .addColumn('verified', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('traffic_pk', ['subject', 'slot', 'shard'])
    .execute();
  await db.schema.createIndex('traffic_by_age').on('traffic').column('slot').execute();

  await db.schema
    .createTable('end_users')
    .addColumn('address_hash', 'text', (column) => column.primaryKey())
    .addColumn('sends', 'text', (column) => column.notNull())
    .addColumn('touched_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('end_users_by_age').on('end_users').column('touched_at').execute();
}
