import type { Kysely } from 'kysely';

/** The providers that may have sent a message without confirming it. */
export async function maybeTexted(db: Kysely<unknown>): Promise<void> {
  // Replicas of the previous release still write rows without this column.
  await db.schema
    .alterTable('verifications')
    .addColumn('maybe_texted', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
}
