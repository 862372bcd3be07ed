import { sql, type RawBuilder } from 'kysely';
import type { Database } from './database.js';
import { ENTRY_WIDTH } from './event-log.js';
import type { StoredStatus } from './schema.js';

/*
 * What statements ask before they do anything. Those of one transaction that travel together cannot
 * wait for each other's answers: so each one asks whether what had to come before it came about.
 */

type Condition = RawBuilder<boolean>;

/** Whether a run of a request holds the idempotency key that it claims; one without a key does. */
export const holdsKey = (p: { client: string; keyHash: string; runId: string }): Condition =>
  sql`(${p.runId} = '' or exists (
    select 1 from idempotency_keys
    where client = ${p.client} and key_hash = ${p.keyHash} and run = ${p.runId}))`;

/** Whether a verification was written. */
export const isWritten = ({ pinId }: { pinId: string }): Condition =>
  sql`exists (select 1 from verifications where pin_id = ${pinId})`;

/**
 * Whether a verification that is looked up by its handle has this status. No index answers it in this
 * form: PostgreSQL takes that of all pending verifications for as good as the primary key as long as
 * it has no statistics, or some of a quiet hour, and then walks through all of them.
 */
export const hasStatus = (status: StoredStatus): Condition =>
  sql`status || '' = ${sql.lit(status)}`;

/** Whether a verification that is looked up by its handle is pending, and has not expired. */
export const isOpen = (now: number): Condition =>
  sql`${hasStatus('pending')} and expires_at > ${now}`;

/** Whether a right code opens a verification. It stays as it is until the transaction ends. */
export const canVerify = (
  { forUpdate }: Database,
  { pinId, now }: { pinId: string; now: number },
): Condition => sql`exists (
  select 1 from verifications where pin_id = ${pinId} and ${isOpen(now)} ${forUpdate})`;

/** Whether a text is the last that was counted for its number. */
export const isCountedText = (p: { numberHash: string; entry: string }): Condition =>
  sql`exists (
    select 1 from numbers where number_hash = ${p.numberHash} and ${isNewest('sends', p.entry)})`;

/** Whether a text is the last that was counted for its end user. */
export const isCountedForEndUser = (p: { endUserHash: string; endUserEntry: string }): Condition =>
  sql`exists (
    select 1 from end_users
    where address_hash = ${p.endUserHash} and ${isNewest('sends', p.endUserEntry)})`;

/** Whether a code is the last that was counted for its verification's number. */
export const isCountedCode = (p: { pinId: string; entry: string }): Condition =>
  sql`exists (
    select 1 from numbers
    where number_hash = (select number_hash from verifications where pin_id = ${p.pinId})
      and ${isNewest('failures', p.entry)})`;

const isNewest = (log: string, entry: string): Condition =>
  sql`substr(${sql.ref(log)}, 1, ${sql.lit(ENTRY_WIDTH)}) = ${entry}`;
