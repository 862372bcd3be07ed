import type { Kysely } from 'kysely';

/** The language of a verification's messages. */
export async function locale(db: Kysely<unknown>): Promise<void> {
  // Replicas of the previous release go on writing rows without this column.
  await db.schema
    .alterTable('verifications')
    .addColumn('locale', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
}
