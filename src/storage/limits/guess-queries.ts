import { sql } from 'kysely';
import { TRAFFIC_QUERIES } from './traffic-queries.js';

interface GuessSubjects {
  wrongCodes: string;
  client: string;
  /** The first bucket to count. */
  from: number;
}

/** The statements on wrong codes of a client: the column `texts`, under a subject of their own. */
export const GUESS_QUERIES = {
  addWrongCode: TRAFFIC_QUERIES.addOne,

  /** The wrong codes and the verified messages of a client since the bucket `from`. */
  countGuesses: (_db: unknown, p: GuessSubjects) => sql<{ wrong_codes: number; verified: number }>`
    select coalesce(sum(case when subject = ${p.wrongCodes} then texts else 0 end), 0) as wrong_codes,
      coalesce(sum(verified), 0) as verified
    from traffic where subject in (${p.wrongCodes}, ${p.client}) and slot >= ${p.from}`,

  readOldest: TRAFFIC_QUERIES.readOldest,
};
