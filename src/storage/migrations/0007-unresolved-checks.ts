import type { Kysely } from 'kysely';

/**
 * `unresolved` counts the checks without a result: they are running, or their answers were lost.
 * From `lost_at` on, the answer to the earliest of them is assumed to be lost.
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
