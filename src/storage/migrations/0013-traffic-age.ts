import { sql, type Kysely } from 'kysely';

/**
 * Only the cleanup can use the new index, as it alone adds 0. PostgreSQL used the index before for counts,
 * too: in a table without statistics it read the counts of every subject instead of those of one.
 */
export async function trafficAge(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('traffic_by_age').execute();
  await sql`create index traffic_by_age on traffic ((slot + 0))`.execute(db);
}
