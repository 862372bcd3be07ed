import { sql, type RawBuilder } from 'kysely';
import { isOpen } from './conditions.js';
import type { SendCounts } from '../traffic.types.js';
import type { Database } from './database.js';

/** Where a text is counted. */
interface Place {
  prefix: string;
  country: string;
  client: string;
  slot: number;
  /** Of the country and the client; a prefix is not spread. */
  shard: number;
}

/** A change of what one slot counts. */
interface Change extends Place {
  sends: number;
  verified: number;
}

interface Verifying {
  pinId: string;
  now: number;
}

/** Which slots count, from the young ones back to where the windows begin. */
interface Reading {
  subject: string;
  young: number;
  hour: number;
  day: number;
  twoWeeks: number;
}

/** What a subject has had; `all` is of two weeks. */
export interface HistoryRow {
  hour_texts: number;
  hour_verified: number;
  day_texts: number;
  day_verified: number;
  all_texts: number;
  all_verified: number;
}

/** The statements on the traffic table. */
export function prepareTrafficQueries(database: Database) {
  return {
    /** In this order, which every transaction keeps to, so that no two wait for each other. */
    change: database.prepare((db, p: Change) =>
      db
        .insertInto('traffic')
        .values(
          (['prefix', 'country', 'client'] as const).map((subject) => ({
            subject: p[subject],
            slot: p.slot,
            shard: subject === 'prefix' ? 0 : p.shard,
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
    ),

    /** One more text, provided that its verification was written. */
    texted: database.prepare(
      (_db, p: Place & { pinId: string }) => sql`
        ${rowsOf(p, sql`1, 0 from verifications where pin_id = ${p.pinId}`)}
        set texts = traffic.texts + 1`,
    ),

    /** A verification's texts are verified, provided that its code can still verify. */
    verified: database.prepare(
      (_db, p: Place & Verifying) => sql`
        ${rowsOf(
          p,
          sql`0, texts from verifications
            where pin_id = ${p.pinId} and ${isOpen(p.now)} and texts > 0`,
        )}
        set verified = traffic.verified + excluded.verified`,
    ),

    /** What subjects have from a slot on; a row for each that has anything. */
    young: database.prepare(
      (_db, p: Pick<Place, 'prefix' | 'country' | 'client'> & { from: number }) => sql<
        { subject: string } & SendCounts
      >`
        select subject, sum(texts) as sends, sum(verified) as verified from traffic
        where subject in (${p.prefix}, ${p.country}, ${p.client}) and slot >= ${p.from}
        group by subject`,
    ),

    /** What a subject has had in each window, less the young slots. */
    history: database.prepare((_db, p: Reading) => {
      const since = (slot: number, column: 'texts' | 'verified') =>
        sql`coalesce(sum(case when slot >= ${slot} then ${sql.ref(column)} else 0 end), 0)`;
      return sql<HistoryRow>`
        select ${since(p.hour, 'texts')} as hour_texts, ${since(p.hour, 'verified')} as hour_verified,
          ${since(p.day, 'texts')} as day_texts, ${since(p.day, 'verified')} as day_verified,
          coalesce(sum(texts), 0) as all_texts, coalesce(sum(verified), 0) as all_verified
        from traffic
        where subject = ${p.subject} and slot >= ${p.twoWeeks} and slot < ${p.young}`;
    }),

    /** The oldest slot with any text, or with one that nobody verified. */
    oldest: database.prepare((db, p: { subject: string; from: number; unverifiedOnly: 0 | 1 }) =>
      db
        .selectFrom('traffic')
        .select('slot')
        .where('subject', '=', p.subject)
        .where('slot', '>=', p.from)
        .groupBy('slot')
        .having(sql<boolean>`sum(texts) > ${p.unverifiedOnly} * sum(verified)`)
        .orderBy('slot')
        .limit(sql.lit(1)),
    ),
  };
}

/** Writes a row for each of a text's subjects, or changes it. @param counts what is in it, and of whom */
function rowsOf(p: Place, counts: RawBuilder<unknown>) {
  const row = (subject: string, shard: number | RawBuilder<unknown>) => sql`
    select cast(${subject} as text), cast(${p.slot} as bigint), cast(${shard} as integer), ${counts}`;
  return sql`
    insert into traffic (subject, slot, shard, texts, verified)
    ${row(p.prefix, sql.lit(0))} union all ${row(p.country, p.shard)}
    union all ${row(p.client, p.shard)}
    on conflict (subject, slot, shard) do update`;
}
