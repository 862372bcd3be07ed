import { sql, type RawBuilder } from 'kysely';
import { addOne, readOldest } from './traffic-queries.js';

interface GuessFilter {
  wrongCodes: string;
  client: string;
  /** The first bucket to count, as in the column `slot`. */
  from: number;
}

/**
 * The statements on a client's wrong codes. The table `traffic` counts them in its column `texts`,
 * with a subject only for them.
 */
export const createGuessQueries = (shard: RawBuilder<number>) => ({
  addWrongCode: addOne(shard),

  /** The wrong codes and the verified messages of a client since the bucket `from`. */
  countGuesses: (_db: unknown, p: GuessFilter) => sql<{ wrong_codes: number; verified: number }>`
    select
      coalesce(sum(case when subject = ${p.wrongCodes} then texts else 0 end), 0) as wrong_codes,
      coalesce(sum(verified), 0) as verified
    from traffic where subject in (${p.wrongCodes}, ${p.client}) and slot >= ${p.from}`,

  readOldest,
});
