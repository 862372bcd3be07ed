import { sql, type RawBuilder } from 'kysely';
import { isOpen } from './conditions.js';
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
  texts: number;
  verified: number;
}

interface Verifying {
  pinId: string;
  now: number;
}

/** For each subject from which slot on it is read, and where the windows begin. */
interface Reading {
  prefix: string;
  prefixFrom: number;
  country: string;
  countryFrom: number;
  client: string;
  clientFrom: number;
  young: number;
  hour: number;
  day: number;
}

/** What a subject has from a slot on; `all` is from where it was read. */
export interface Sums {
  subject: string;
  young_texts: number;
  young_verified: number;
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
            texts: p.texts,
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

    /** One row for each subject. */
    read: database.prepare(
      (_db, p: Reading) => sql<Sums>`
        ${sumsOf(p.prefix, p.prefixFrom, p)} union all
        ${sumsOf(p.country, p.countryFrom, p)} union all
        ${sumsOf(p.client, p.clientFrom, p)}`,
    ),

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

function sumsOf(subject: string, from: number, { young, hour, day }: Reading) {
  const since = (slot: number, column: 'texts' | 'verified') =>
    sql`coalesce(sum(case when slot >= ${slot} then ${sql.ref(column)} else 0 end), 0)`;
  return sql`select min(subject) as subject,
    ${since(young, 'texts')} as young_texts, ${since(young, 'verified')} as young_verified,
    ${since(hour, 'texts')} as hour_texts, ${since(hour, 'verified')} as hour_verified,
    ${since(day, 'texts')} as day_texts, ${since(day, 'verified')} as day_verified,
    coalesce(sum(texts), 0) as all_texts, coalesce(sum(verified), 0) as all_verified
    from traffic where subject = ${subject} and slot >= ${from}`;
}
