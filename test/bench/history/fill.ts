import { copySeeds, extractSeeds } from './seed-rows.js';
import type { HistoryDatabase } from './history-database.js';
import { countTraffic } from './traffic.js';

const DAY_MS = 86_400_000;
const HOUR_MS = DAY_MS / 24;

/** Slightly less than the retention of 30 days, so that the cleanup finds nothing to delete. */
const SPAN_MS = 29 * DAY_MS;
/** Slightly less than the day and the hour that these are kept. */
const KEYS_MS = 23 * HOUR_MS;
const END_USERS_MS = 0.9 * HOUR_MS;
/** Long enough ago for the newest code to have expired. */
const NEWEST_MS = HOUR_MS / 4;

/** Messages to each end user. */
const SENDS = 4;
/** Of this many end users, one has entered a wrong code once. */
const USERS_PER_WRONG_CODE = 8;
const HASH_LENGTH = '43';
/** The random part of a sliding-window entry, after its time. */
const SALT_LENGTH = '8';

/**
 * Replaces the rows of the service by a history of the given size. Its rows are copies with
 * other identifiers and times, so columns, proportions and lengths are those of the service. Each
 * end user got four messages in 29 days, and verified each of them or none.
 */
export async function fillHistory(database: HistoryDatabase, verifications: number): Promise<void> {
  const { randomText, series } = database.dialect;
  const now = Date.now();
  const people = Math.ceil(verifications / SENDS);
  const stepMs = (SPAN_MS - NEWEST_MS) / (people * SENDS);
  const sentAt = (i: string) =>
    `cast(${String(now - SPAN_MS)} + cast(${i} as double precision) * ${String(stepMs)} as bigint)`;
  const newEntry = (time: string) => `cast(${time} as text) || ${randomText(SALT_LENGTH)}`;

  const [shards] = await database.list('select 1 + max(shard) from traffic');
  for (const table of ['traffic', 'end_users']) await database.run(`delete from ${table}`);
  const seeds = await extractSeeds(
    database,
    'verifications',
    `select *, row_number() over (order by pin_id) as seed from verifications`,
  );
  await extractSeeds(
    database,
    'client_numbers',
    `select client_numbers.*, seed
      from client_numbers join seed_verifications using (number_hash, client)`,
  );
  const keySeeds = await extractSeeds(
    database,
    'idempotency_keys',
    `select *, row_number() over (order by key_hash) as seed from idempotency_keys`,
  );

  // Without column types: SQLite cannot use an index to join a typed column with an untyped one.
  await database.run(
    `create temporary table people as
      select i as id, i % ${String(seeds)} + 1 as seed, ${randomText(HASH_LENGTH)} as number_hash
      from ${series(people)}`,
  );
  await database.run('create index people_by_id on people (id)');

  const sent = sentAt('i');
  await copySeeds(
    database,
    'verifications',
    {
      pin_id: randomText('length(seed.pin_id)'),
      number_hash: 'person.number_hash',
      end_user_hash: randomText('length(seed.end_user_hash)'),
      sealed: randomText('length(seed.sealed)'),
      // The next message to a number cancels the pending verification.
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
  const newestFirst = Array.from({ length: SENDS }, (_, n) => newEntry(nth(SENDS - 1 - n)));
  await copySeeds(
    database,
    'client_numbers',
    {
      number_hash: 'person.number_hash',
      sends: newestFirst.join(' || '),
      failures: `case when person.id % ${String(USERS_PER_WRONG_CODE)} = 0 then ${newEntry(nth(0))} else '' end`,
      touched_at: last,
      verified_at: `case when seed.verified_at = 0 then 0
        else ${last} + seed.verified_at - seed.touched_at end`,
    },
    // Other numbers are deleted after a day.
    `people as person cross join seed_client_numbers as seed where seed.seed = person.seed
      and (seed.verified_at > 0 or ${last} > ${String(now - DAY_MS + HOUR_MS)})`,
  );

  // One key for the send and one for the verify.
  await copySeeds(
    database,
    'idempotency_keys',
    {
      key_hash: randomText('length(seed.key_hash)'),
      request_hash: randomText('length(seed.request_hash)'),
      pin_id: 'recent.pin_id',
      sealed_answer: randomText('length(seed.sealed_answer)'),
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
      select end_user_hash, ${newEntry('created_at')}, created_at from verifications
      where end_user_hash <> '' and created_at > ${String(now - END_USERS_MS)}`,
  );
  await countTraffic(database, now, Number(shards));
}
