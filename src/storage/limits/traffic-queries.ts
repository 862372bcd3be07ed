import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { DatabaseSchema } from '../migrations/schema.js';
import { isOpen } from './predicates.js';
import {
  CHECKED_SCOPES,
  COUNT_SCOPES,
  isExact,
  type TrafficSubjects,
} from '../traffic-subjects.js';

/** The subjects that a send counts for, and the rows that count it. */
interface TrafficBucketKey extends TrafficSubjects {
  /** The number of the bucket (time-buckets.ts), as in the column `slot`. */
  readonly bucket: number;
  /** Of the subjects that are spread over shards. */
  readonly shard: number;
}

interface SubjectBucket {
  readonly subject: string;
  readonly bucket: number;
  readonly shard: number;
}

interface TrafficCountChange extends TrafficBucketKey {
  readonly sends: number;
  readonly verified: number;
}

interface RecentBuckets extends TrafficSubjects {
  readonly from: number;
}

/** The first bucket of each window. All end before the first recent bucket. */
interface HistoryWindows extends TrafficSubjects {
  readonly firstRecent: number;
  readonly hour: number;
  readonly day: number;
  readonly twoWeeks: number;
}

export interface TrafficHistoryRow {
  subject: string;
  hour_sends: number;
  hour_verified: number;
  day_sends: number;
  day_verified: number;
  two_weeks_sends: number;
  two_weeks_verified: number;
}

/** The statements on `traffic`. All write their rows in the order of {@link COUNT_SCOPES}. */
export const TRAFFIC_QUERIES = {
  add: (db: Kysely<DatabaseSchema>, p: TrafficCountChange) =>
    db
      .insertInto('traffic')
      .values(
        COUNT_SCOPES.map((scope) => ({
          subject: p[scope],
          slot: p.bucket,
          shard: isExact(scope) ? 0 : p.shard,
          texts: p.sends,
          verified: p.verified,
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(['subject', 'slot', 'shard']).doUpdateSet({
          texts: sql<number>`traffic.texts + excluded.texts`,
          verified: sql<number>`traffic.verified + excluded.verified`,
        }),
      ),

  /** One more of what a single subject counts. */
  addOne: (db: Kysely<DatabaseSchema>, p: SubjectBucket) =>
    db
      .insertInto('traffic')
      .values({ subject: p.subject, slot: p.bucket, shard: p.shard, texts: 1, verified: 0 })
      .onConflict((conflict) =>
        conflict
          .columns(['subject', 'slot', 'shard'])
          .doUpdateSet({ texts: sql<number>`traffic.texts + 1` }),
      ),

  /** One more send, if its verification was written. */
  addSend: (_db: unknown, p: TrafficBucketKey & { pinId: string }) => sql`
    ${upsert(p, sql`1 as texts, 0 as verified from verifications where pin_id = ${p.pinId}`)}
    set texts = traffic.texts + 1`,

  /** All sends of a verification become verified, if it can still be verified. */
  addVerified: (_db: unknown, p: TrafficBucketKey & { pinId: string; now: number }) => sql`
    ${upsert(
      p,
      sql`0 as texts, texts as verified from verifications
        where pin_id = ${p.pinId} and ${isOpen(p.now)} and texts > 0`,
    )}
    set verified = traffic.verified + excluded.verified`,

  /** The counts of each subject since a bucket; no row for a subject without any. */
  readRecent: (_db: unknown, p: RecentBuckets) => sql<{
    subject: string;
    sends: number;
    verified: number;
  }>`
    select subject, sum(texts) as sends, sum(verified) as verified from traffic
    where ${isOneOf(p)} and slot >= ${p.from}
    group by subject`,

  /** The counts of each subject in each window, without the recent buckets. */
  readHistories: (_db: unknown, p: HistoryWindows) => {
    const sumSince = (bucket: number, column: 'texts' | 'verified') =>
      sql`coalesce(sum(case when slot >= ${bucket} then ${sql.ref(column)} else 0 end), 0)`;
    return sql<TrafficHistoryRow>`
      select subject,
        ${sumSince(p.hour, 'texts')} as hour_sends, ${sumSince(p.hour, 'verified')} as hour_verified,
        ${sumSince(p.day, 'texts')} as day_sends, ${sumSince(p.day, 'verified')} as day_verified,
        coalesce(sum(texts), 0) as two_weeks_sends,
        coalesce(sum(verified), 0) as two_weeks_verified
      from traffic
      where ${isOneOf(p)} and slot >= ${p.twoWeeks} and slot < ${p.firstRecent}
      group by subject`;
  },

  /** The oldest bucket with any send, or with an unverified one. */
  readOldest: (
    db: Kysely<DatabaseSchema>,
    p: { subject: string; from: number; unverifiedOnly: 0 | 1 },
  ) =>
    db
      .selectFrom('traffic')
      .select('slot')
      .where('subject', '=', p.subject)
      .where('slot', '>=', p.from)
      .groupBy('slot')
      .having(sql<boolean>`sum(texts) > ${p.unverifiedOnly} * sum(verified)`)
      .orderBy('slot')
      .limit(sql.lit(1)),
};

/**
 * Inserts a row per subject, or updates it by the `set` that follows.
 * @param counts the end of a select: `texts`, `verified` and their source, which is read once
 */
function upsert(p: TrafficBucketKey, counts: RawBuilder<unknown>) {
  const rows = COUNT_SCOPES.map((scope) => {
    const shard = isExact(scope) ? sql.lit(0) : sql.ref('shard');
    return sql`select cast(${p[scope]} as text), slot, ${shard}, texts, verified from counted`;
  });
  return sql`
    with counted as (
      select cast(${p.bucket} as bigint) as slot, cast(${p.shard} as integer) as shard, ${counts})
    insert into traffic (subject, slot, shard, texts, verified)
    ${sql.join(rows, sql` union all `)} where true
    on conflict (subject, slot, shard) do update`;
}

const isOneOf = (p: TrafficSubjects) =>
  sql`subject in (${sql.join(CHECKED_SCOPES.map((scope) => p[scope]))})`;
