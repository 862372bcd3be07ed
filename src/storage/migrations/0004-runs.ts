import type { Kysely } from 'kysely';

/** Which run of its request holds an idempotency key. */
export async function runs(db: Kysely<unknown>): Promise<void> {
  // Replicas of the release before this one go on writing rows without it.
  await db.schema
    .alterTable('idempotency_keys')
    .addColumn('run', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
}
