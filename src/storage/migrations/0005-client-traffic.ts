import { sql, type Kysely } from 'kysely';

/** As in `time-buckets.ts` at the time of this migration. */
const BUCKET_MS = 300_000;

/**
 * The counts of each client's sends to a prefix and to a country, from the stored verifications.
 * Without these counts, a client with much traffic would begin with the budgets of a new client.
 */
export async function clientTraffic(db: Kysely<unknown>): Promise<void> {
  for (const subject of [
    sql`'client-prefix:' || prefix_hash || ':' || client`,
    sql`'client-country:' || country || ':' || client`,
  ]) {
    await sql`
      insert into traffic (subject, slot, shard, texts, verified)
      select ${subject}, created_at / ${sql.lit(BUCKET_MS)}, 0, sum(texts),
        sum(case when status = 'verified' then texts else 0 end)
      from verifications where texts > 0 and country <> '' group by 1, 2`.execute(db);
  }
}
