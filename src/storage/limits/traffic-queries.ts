import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { DatabaseSchema } from '../migrations/schema.js';
import { MAX_VERIFIED_SENDS } from '../limit.types.js';
import { BUCKET_OF_ROW, type HistoryRow, type HistoryWindows } from '../time-buckets.js';
import { isOpen } from './predicates.js';
import {
  CHECKED_SCOPES,
  COUNT_SCOPES,
  isExact,
  SUBJECT_OF_ROW,
  type CountScope,
  type TrafficSubjects,
} from '../traffic-subjects.js';

/** SQL for the row of a count, as in `Database`. */
type Shard = RawBuilder<number>;

/** The subjects that a send counts for, and its bucket. */
interface TrafficBucketKey extends TrafficSubjects {
  /** The number of the bucket (time-buckets.ts), as in the column `slot`. */
  readonly bucket: number;
}

interface SubjectBucket {
  readonly subject: string;
  readonly bucket: number;
}

/** A verification, whose row has the subjects and the bucket of its sends. */
interface CountedVerification {
  readonly pinId: string;
}

interface TrafficCountChange extends TrafficBucketKey {
  readonly sends: number;
  readonly verified: number;
}

interface RecentBuckets extends TrafficSubjects {
  /** The first bucket to count. */
  readonly from: number;
}

/** How many sends of a verification count as verified. */
const VERIFIED_SENDS = sql<number>`
  case when texts > ${sql.lit(MAX_VERIFIED_SENDS)} then ${sql.lit(MAX_VERIFIED_SENDS)} else texts end`;

/** The statements on `traffic`. All write their rows in the order of {@link COUNT_SCOPES}. */
export const createTrafficQueries = (shard: Shard) => ({
  add: (db: Kysely<DatabaseSchema>, p: TrafficCountChange) => addCounts(db, shard, COUNT_SCOPES, p),

  /** As `add`, for a trusted number, whose sends count only for the client. */
  addForClient: (db: Kysely<DatabaseSchema>, p: TrafficCountChange) =>
    addCounts(db, shard, ['client'], p),

  /** Adds one to the count of a single subject. */
  addOne: (db: Kysely<DatabaseSchema>, p: SubjectBucket) =>
    db
      .insertInto('traffic')
      .values({ subject: p.subject, slot: p.bucket, shard, texts: 1, verified: 0 })
      .onConflict((conflict) =>
        conflict
          .columns(['subject', 'slot', 'shard'])
          .doUpdateSet({ texts: sql<number>`traffic.texts + 1` }),
      ),

  /** Adds one send to all its subjects, if its verification was written. */
  addSend: (_db: unknown, p: CountedVerification) => sql`
    ${upsert(shard, p, { sends: sql.lit(1), verified: sql.lit(0) }, sql<boolean>`true`)}
    set texts = traffic.texts + 1`,

  /** Counts sends of a verification as verified, if it can still be verified. */
  addVerified: (_db: unknown, p: CountedVerification & { now: number }) => sql`
    ${upsert(shard, p, { sends: sql.lit(0), verified: VERIFIED_SENDS }, isOpen(p.now))}
    set verified = traffic.verified + excluded.verified`,

  /** The counts of each subject since the bucket `from`; no row for a subject without counts. */
  readRecent: (_db: unknown, p: RecentBuckets) => sql<{
    subject: string;
    sends: number;
    verified: number;
  }>`
    select subject, sum(texts) as sends, sum(verified) as verified from traffic
    where ${isOneOf(p)} and slot >= ${p.from}
    group by subject`,

  /** The counts of each subject in each window, without the recent buckets. */
  readHistories: (_db: unknown, p: HistoryWindows & TrafficSubjects) => {
    const sumSince = (bucket: number, column: 'texts' | 'verified') =>
      sql`coalesce(sum(case when slot >= ${bucket} then ${sql.ref(column)} else 0 end), 0)`;
    return sql<HistoryRow>`
      select subject,
        ${sumSince(p.hour, 'texts')} as hour_sends, ${sumSince(p.hour, 'verified')} as hour_verified,
        ${sumSince(p.day, 'texts')} as day_sends, ${sumSince(p.day, 'verified')} as day_verified,
        coalesce(sum(texts), 0) as two_weeks_sends,
        coalesce(sum(verified), 0) as two_weeks_verified
      from traffic
      where ${isOneOf(p)} and slot >= ${p.twoWeeks} and slot < ${p.firstRecent}
      group by subject`;
  },

  /** The oldest bucket with a send; with an unverified send, if `unverifiedOnly` is 1. */
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

  /**
   * The wrong codes and the verified messages of a client since the bucket `from`. Wrong codes have
   * a subject of their own, whose count is in the column `texts`.
   */
  countGuesses: (_db: unknown, p: { wrongCodes: string; client: string; from: number }) => sql<{
    wrong_codes: number;
    verified: number;
  }>`
    select
      coalesce(sum(case when subject = ${p.wrongCodes} then texts else 0 end), 0) as wrong_codes,
      coalesce(sum(verified), 0) as verified
    from traffic where subject in (${p.wrongCodes}, ${p.client}) and slot >= ${p.from}`,
});

const addCounts = (
  db: Kysely<DatabaseSchema>,
  shard: Shard,
  scopes: readonly CountScope[],
  p: TrafficCountChange,
) =>
  db
    .insertInto('traffic')
    .values(
      scopes.map((scope) => ({
        subject: p[scope],
        slot: p.bucket,
        shard: isExact(scope) ? 0 : shard,
        texts: p.sends,
        verified: p.verified,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['subject', 'slot', 'shard']).doUpdateSet({
        texts: sql<number>`traffic.texts + excluded.texts`,
        verified: sql<number>`traffic.verified + excluded.verified`,
      }),
    );

/**
 * Inserts a row per subject of a verification whose sends are counted, or updates the row by the
 * `set` that follows.
 * @param isChanged a condition on the verification, without which nothing is written
 */
function upsert(
  shard: Shard,
  { pinId }: CountedVerification,
  { sends, verified }: Record<'sends' | 'verified', RawBuilder<unknown>>,
  isChanged: RawBuilder<boolean>,
) {
  const rows = COUNT_SCOPES.map((scope) => {
    const rowShard = isExact(scope) ? sql.lit(0) : shard;
    const isCounted = scope === 'client' ? sql`true` : sql`prefix_hash <> ''`;
    return sql`
      select ${SUBJECT_OF_ROW[scope]}, slot, ${rowShard}, texts, verified from counted
      where ${isCounted}`;
  });
  return sql`
    with counted as (
      select client, country, prefix_hash, ${BUCKET_OF_ROW} as slot,
        ${sends} as texts, ${verified} as verified
      from verifications
      where pin_id = ${pinId} and country <> '' and texts > 0 and ${isChanged})
    insert into traffic (subject, slot, shard, texts, verified)
    ${sql.join(rows, sql` union all `)}
    on conflict (subject, slot, shard) do update`;
}

const isOneOf = (p: TrafficSubjects) =>
  sql`subject in (${sql.join(CHECKED_SCOPES.map((scope) => p[scope]))})`;
