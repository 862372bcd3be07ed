import type { Kysely } from 'kysely';

/**
 * How many checks of a verification have no result (`unresolved`): they are running, or their
 * answers were lost. `lost_at` is when the first of them counts as lost.
 */
export async function unresolvedChecks(db: Kysely<unknown>): Promise<void> {
  // Replicas of the previous release go on writing rows without these columns.
  await db.schema
    .alterTable('verifications')
    .addColumn('unresolved', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .alterTable('verifications')
    .addColumn('lost_at', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
}
