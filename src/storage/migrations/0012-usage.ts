import type { Kysely } from 'kysely';

const COUNTS = [
  'verifications',
  'sends',
  'delivered',
  'undelivered',
  'verified',
  'blocked',
] as const;

/** What was used on each day, which outlives the rows of the verifications. */
export async function usage(db: Kysely<unknown>): Promise<void> {
  // Replicas of the previous release go on writing rows without it.
  await db.schema
    .alterTable('verifications')
    .addColumn('earlier_sends', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
  const table = db.schema
    .createTable('usage_daily')
    .addColumn('day', 'text', (column) => column.notNull())
    .addColumn('client', 'text', (column) => column.notNull())
    .addColumn('country', 'text', (column) => column.notNull())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('channel', 'text', (column) => column.notNull());
  await COUNTS.reduce(
    (columns, name) => columns.addColumn(name, 'bigint', (column) => column.notNull().defaultTo(0)),
    table,
  )
    .addPrimaryKeyConstraint('usage_daily_pk', ['day', 'client', 'country', 'provider', 'channel'])
    .execute();
}
