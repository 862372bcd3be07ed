import type { Kysely } from 'kysely';

/** The run that has claimed an idempotency key. */
export async function runs(db: Kysely<unknown>): Promise<void> {
  // Replicas of the previous release still write rows without this column.
  await db.schema
    .alterTable('idempotency_keys')
    .addColumn('run', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
}
