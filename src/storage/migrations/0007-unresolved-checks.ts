import type { Kysely } from 'kysely';

/** How many checks of a verification have no result: they are running, or their answers were lost. */
export async function unresolvedChecks(db: Kysely<unknown>): Promise<void> {
  // Replicas of the release before this one go on writing rows without these.
  await db.schema
    .alterTable('verifications')
    .addColumn('unresolved', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .alterTable('verifications')
    .addColumn('lost_at', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
}
