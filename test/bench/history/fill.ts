import { copySeeds, takeSeeds } from './copying.js';
import type { HistoryDatabase } from './engine-sql.js';
import { countTraffic } from './traffic.js';

const DAY_MS = 86_400_000;
const HOUR_MS = DAY_MS / 24;

/** A little less than what is kept for 30 days: housekeeping is to find nothing meanwhile. */
const SPAN_MS = 29 * DAY_MS;
/** Likewise of what is kept for a day, and for an hour. */
const KEYS_MS = 23 * HOUR_MS;
const END_USERS_MS = 0.9 * HOUR_MS;
/** The newest code has expired. */
const NEWEST_MS = HOUR_MS / 4;

/** How often each person was texted. */
const SENDS = 4;
/** One person in so many has typed a wrong code once. */
const MISTYPED = 8;
const HASH_LENGTH = '43';
/** Behind the time in an entry of a log. */
const SALT_LENGTH = '8';

/**
 * Replaces what the service has written by a history of so many verifications. Its rows are copies
 * of those, with names and times of their own: in columns, shares and lengths they are what the
 * service writes. Everybody was texted four times in 29 days, and verifies each time or never.
 */
export async function fill(database: HistoryDatabase, verifications: number): Promise<void> {
  const { noise, series } = database.words;
  const now = Date.now();
  const people = Math.ceil(verifications / SENDS);
  const stepMs = (SPAN_MS - NEWEST_MS) / (people * SENDS);
  const sentAt = (i: string) =>
    `cast(${String(now - SPAN_MS)} + cast(${i} as double precision) * ${String(stepMs)} as bigint)`;
  const entry = (time: string) => `cast(${time} as text) || ${noise(SALT_LENGTH)}`;

  const [shards] = await database.list('select 1 + max(shard) from traffic');
  for (const table of ['traffic', 'end_users']) await database.run(`delete from ${table}`);
  const seeds = await takeSeeds(
    database,
    'verifications',
    `select *, row_number() over (order by pin_id) as seed from verifications`,
  );
  await takeSeeds(
    database,
    'numbers',
    `select numbers.*, seed from numbers join seed_verifications using (number_hash)`,
  );
  const keySeeds = await takeSeeds(
    database,
    'idempotency_keys',
    `select *, row_number() over (order by key_hash) as seed from idempotency_keys`,
  );

  // Not a table with types: SQLite would not look up a seed, which has none, by a column that has.
  await database.run(
    `create temporary table people as
      select i as id, i % ${String(seeds)} + 1 as seed, ${noise(HASH_LENGTH)} as number_hash
      from ${series(people)}`,
  );
  await database.run('create index people_by_id on people (id)');

  const sent = sentAt('i');
  await copySeeds(
    database,
    'verifications',
    {
      pin_id: noise('length(seed.pin_id)'),
      number_hash: 'person.number_hash',
      end_user_hash: noise('length(seed.end_user_hash)'),
      sealed: noise('length(seed.sealed)'),
      // The next text to a number ends what was pending.
      status: `case when seed.status = 'pending' and i < ${String(people * (SENDS - 1))}
        then 'cancelled' else seed.status end`,
      created_at: sent,
      expires_at: `${sent} + seed.expires_at - seed.created_at`,
      verified_at: `${sent} + seed.verified_at - seed.created_at`,
    },
    `${series(people * SENDS)} cross join people as person
      cross join seed_verifications as seed
      where person.id = i % ${String(people)} and seed.seed = person.seed`,
  );

  const nth = (n: number) => sentAt(`(${String(people * n)} + person.id)`);
  const last = nth(SENDS - 1);
  const newestFirst = Array.from({ length: SENDS }, (_, n) => entry(nth(SENDS - 1 - n)));
  await copySeeds(
    database,
    'numbers',
    {
      number_hash: 'person.number_hash',
      sends: newestFirst.join(' || '),
      failures: `case when person.id % ${String(MISTYPED)} = 0 then ${entry(nth(0))} else '' end`,
      touched_at: last,
      verified_at: `case when seed.verified_at = 0 then 0
        else ${last} + seed.verified_at - seed.touched_at end`,
    },
    // Others are forgotten after a day.
    `people as person cross join seed_numbers as seed where seed.seed = person.seed
      and (seed.verified_at > 0 or ${last} > ${String(now - DAY_MS + HOUR_MS)})`,
  );

  // A send and a verify had one each.
  await copySeeds(
    database,
    'idempotency_keys',
    {
      key_hash: noise('length(seed.key_hash)'),
      request_hash: noise('length(seed.request_hash)'),
      pin_id: 'recent.pin_id',
      sealed_answer: noise('length(seed.sealed_answer)'),
      created_at: 'recent.created_at',
    },
    `(select pin_id, created_at, row_number() over (order by created_at) as n
        from verifications where created_at > ${String(now - KEYS_MS)}) as recent
      cross join (select 0 as step union all select 1) as steps
      cross join seed_idempotency_keys as seed
      where seed.seed = (2 * recent.n + steps.step) % ${String(keySeeds)} + 1`,
  );

  await database.run(
    `insert into end_users (address_hash, sends, touched_at)
      select end_user_hash, ${entry('created_at')}, created_at from verifications
      where end_user_hash <> '' and created_at > ${String(now - END_USERS_MS)}`,
  );
  await countTraffic(database, now, Number(shards));
}
