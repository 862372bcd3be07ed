import type { HistoryDatabase } from './history-database.js';

const SLOT_MS = 300_000;
/** Slightly less than the two weeks that counts are kept. */
const RETENTION_MS = 13.9 * 86_400_000;

/** A prefix has one row per time slot and client. Countries and clients are spread over shards. */
const SUBJECTS = [
  { name: `'prefix:' || prefix_hash`, sharded: false },
  { name: `'client-prefix:' || prefix_hash || ':' || client`, sharded: false },
  { name: `'country:' || country`, sharded: true },
  { name: `'client-country:' || country || ':' || client`, sharded: true },
  { name: `'client:' || client`, sharded: true },
];

/** Counts the verifications of the last two weeks per time slot, as the service does. */
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
        from verifications where created_at > ${String(now - RETENTION_MS)} group by 1, 2, 3`,
    );
  }
}
