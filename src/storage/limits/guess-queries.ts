import { sql, type Kysely } from 'kysely';
import type { DatabaseSchema } from '../migrations/schema.js';
import { TRAFFIC_QUERIES } from './traffic-queries.js';

interface WrongCode {
  subject: string;
  bucket: number;
  shard: number;
}

interface GuessSubjects {
  wrongCodes: string;
  client: string;
  from: number;
}

/** The statements that count the wrong codes of a client, as `texts` of a subject of their own. */
export const GUESS_QUERIES = {
  addWrongCode: (db: Kysely<DatabaseSchema>, p: WrongCode) =>
    db
      .insertInto('traffic')
      .values({ subject: p.subject, slot: p.bucket, shard: p.shard, texts: 1, verified: 0 })
      .onConflict((conflict) =>
        conflict
          .columns(['subject', 'slot', 'shard'])
          .doUpdateSet({ texts: sql<number>`traffic.texts + 1` }),
      ),

  /** The wrong codes and the verified messages of a client since a bucket. */
  countGuesses: (_db: unknown, p: GuessSubjects) => sql<{ wrong_codes: number; verified: number }>`
    select coalesce(sum(case when subject = ${p.wrongCodes} then texts else 0 end), 0) as wrong_codes,
      coalesce(sum(verified), 0) as verified
    from traffic where subject in (${p.wrongCodes}, ${p.client}) and slot >= ${p.from}`,

  readOldest: TRAFFIC_QUERIES.readOldest,
};
