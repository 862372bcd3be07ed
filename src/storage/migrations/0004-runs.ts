import type { Kysely } from 'kysely';

/** Which run of its request holds an idempotency key. */
export async function runs(db: Kysely<unknown>): Promise<void> {
  // Replicas of the previous release still write rows without it.
  await db.schema
    .alterTable('idempotency_keys')
    .addColumn('run', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
}
