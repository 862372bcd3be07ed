import { sql, type Kysely } from 'kysely';

/**
 * An index on `slot + 0`, which only the statement of the cleanup contains. PostgreSQL used the
 * index on `slot` for counts, too. Without statistics of the table, it then read the counts of all
 * subjects instead of one.
 */
export async function trafficAge(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('traffic_by_age').execute();
  await sql`create index traffic_by_age on traffic ((slot + 0))`.execute(db);
}
