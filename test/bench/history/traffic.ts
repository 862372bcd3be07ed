import type { HistoryDatabase } from './engine-sql.js';

const SLOT_MS = 300_000;
/** A little less than the two weeks that are kept. */
const KEPT_MS = 13.9 * 86_400_000;

/** Those of a prefix are in one row a slot; those of the others are spread over the shards. */
const SUBJECTS = [
  { name: `'prefix:' || prefix_hash`, sharded: false },
  { name: `'country:' || country`, sharded: true },
  { name: `'client:' || client`, sharded: true },
];

/** Counts the verifications of the last two weeks by slots, as the service did when they were made. */
export async function countTraffic(
  database: HistoryDatabase,
  now: number,
  shards: number,
): Promise<void> {
  for (const { name, sharded } of SUBJECTS) {
    const shard = sharded ? `created_at % ${String(shards)}` : '0';
    await database.run(
      `insert into traffic (subject, slot, shard, texts, verified)
        select ${name}, created_at / ${String(SLOT_MS)}, ${shard}, sum(texts),
          sum(case when status = 'verified' then texts else 0 end)
        from verifications where created_at > ${String(now - KEPT_MS)} group by 1, 2, 3`,
    );
  }
}
