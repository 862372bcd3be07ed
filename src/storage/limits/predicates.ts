import { sql, type RawBuilder } from 'kysely';

/*
 * Conditions of statements. A batch is sent before the results of its statements are known. So each
 * statement checks in the database whether the earlier ones on which it depends took effect.
 */

type SqlPredicate = RawBuilder<boolean>;

/** Whether a run of a request owns the idempotency key that it claims. True without a key. */
export const ownsIdempotencyKey = (p: {
  client: string;
  keyHash: string;
  runId: string;
}): SqlPredicate =>
  sql`(${p.runId} = '' or exists (
    select 1 from idempotency_keys
    where client = ${p.client} and key_hash = ${p.keyHash} and run = ${p.runId}))`;

/** Whether a verification was written. */
export const isWritten = ({ pinId }: { pinId: string }): SqlPredicate =>
  sql`exists (select 1 from verifications where pin_id = ${pinId})`;

/**
 * Whether a verification that is looked up by its `pinId` has this status. The expression keeps
 * indexes out: without statistics PostgreSQL prefers the index of all pending verifications to the
 * primary key, and then reads all of them.
 */
export const hasStatus = (
  status: 'sending' | 'pending' | 'verified' | 'cancelled' | 'expired',
): SqlPredicate => sql`status || '' = ${sql.lit(status)}`;

/** Whether a verification that is looked up by its `pinId` is pending and has not expired. */
export const isOpen = (now: number): SqlPredicate =>
  sql`${hasStatus('pending')} and expires_at > ${now}`;

/** Whether a submitted code has the length of the verification's code, as far as that is known. */
export const hasLengthOfCode = (p: { codeLength: number }): SqlPredicate =>
  sql`(code_length in (0, ${p.codeLength}) or code_provider <> provider)`;

/**
 * As {@link isOpen}, or `unclaimed`: whether a request with the right code still gets
 * `verified: true`.
 */
export const isClaimable = (now: number): SqlPredicate =>
  sql`status || '' in ('pending', 'unclaimed') and expires_at > ${now}`;

/** As {@link isClaimable}; locks the verification until the transaction ends. */
export const canBeClaimed = (
  lockClause: RawBuilder<unknown>,
  { pinId, now }: { pinId: string; now: number },
): SqlPredicate => sql`exists (
  select 1 from verifications where pin_id = ${pinId} and ${isClaimable(now)} ${lockClause})`;

/** Whether no code was submitted for a verification; locks it until the transaction ends. */
export const isUntouched = (
  lockClause: RawBuilder<unknown>,
  { pinId }: { pinId: string },
): SqlPredicate => sql`exists (
  select 1 from verifications where pin_id = ${pinId} and attempts = 0 ${lockClause})`;
