import { sql, type RawBuilder } from 'kysely';
import type { VerificationRow } from '../migrations/schema.js';
import { hasEntry, isBelow, isNewest } from './sliding-window.js';

/*
 * Conditions with which a statement sees whether earlier statements of its batch counted a send or code;
 * `predicates.ts` says why it needs them. The entry of one that was counted just now is the newest.
 */

type SqlPredicate = RawBuilder<boolean>;

/** The key of a row in `client_numbers`: each client has its own counts for a number. */
export interface ClientNumberKey {
  readonly numberHash: string;
  readonly client: string;
}

/** The key of a verification's row in `client_numbers`. */
export const toNumberKey = (
  row: Pick<VerificationRow, 'number_hash' | 'client'>,
): ClientNumberKey => ({ numberHash: row.number_hash, client: row.client });

/**
 * A submitted code: its verification, and its entry in `client_numbers.failures`. There, a code counts as
 * wrong until it was found to be right.
 */
export interface CodeEntry {
  pinId: string;
  numberEntry: string;
}

/** Whether a row of `client_numbers` is that of a client and number. */
export const isClientNumber = (p: ClientNumberKey): SqlPredicate =>
  sql`number_hash = ${p.numberHash} and client = ${p.client}`;

/** The key of the row in `client_numbers` of a submitted code. */
export interface CodeNumberKey extends ClientNumberKey {
  readonly pinId: string;
}

/**
 * Whether a row of `client_numbers` may be that of a submitted code. The number may have got a new
 * hash since the code was reserved. Its row may still have the hash from then.
 */
export const isNumberOfCode = ({ pinId, numberHash, client }: CodeNumberKey): SqlPredicate =>
  sql`client = ${client} and number_hash in (
    ${numberHash}, (select number_hash from verifications where pin_id = ${pinId}))`;

/** Whether the entry of a submitted code is still there as it was reserved. */
export const isCodeReserved = (p: CodeNumberKey & { numberEntry: string }): SqlPredicate =>
  sql`exists (
    select 1 from client_numbers where ${isNumberOfCode(p)} and ${hasEntry('failures', p.numberEntry)})`;

/** Whether a send is the newest of its client and number. */
export const isNewestSend = (p: ClientNumberKey & { entry: string }): SqlPredicate =>
  sql`exists (
    select 1 from client_numbers where ${isClientNumber(p)} and ${isNewest('sends', p.entry)})`;

/** Whether a send is the newest of its end user. */
export const isNewestEndUserSend = (p: {
  endUserHash: string;
  endUserEntry: string;
}): SqlPredicate =>
  sql`exists (
    select 1 from end_users
    where address_hash = ${p.endUserHash} and ${isNewest('sends', p.endUserEntry)})`;

/** Whether a code is the newest of the client and number of its verification. */
export const isNewestCode = (p: CodeEntry): SqlPredicate =>
  numberRowMeets(p, isNewest('failures', p.numberEntry));

/**
 * Whether the entry of a code is in the row of its verification's present number hash.
 * {@link isCodeReserved} also finds the row under the earlier hash.
 */
export const isCodeCounted = (p: CodeEntry): SqlPredicate =>
  numberRowMeets(p, hasEntry('failures', p.numberEntry));

/** Whether the entry of a send is in the row of its verification's present number hash. */
export const isSendCounted = (p: { pinId: string; entry: string }): SqlPredicate =>
  numberRowMeets(p, hasEntry('sends', p.entry));

/** A code that was checked. */
export interface CheckedCode {
  pinId: string;
  /** Its id at the provider, encrypted, as it was stored when the code was checked. */
  sealed: string;
  /** Sends and resends requested up to this time have ended; in the format of `toTimeText`. */
  after: string;
}

/**
 * Whether the code that was checked is still the verification's, and no send or resend that may replace
 * it is running. Only then may its final result end the verification. If none of them replaces the code,
 * the next check gets the result again.
 */
export const isNotReplaced = ({ pinId, sealed, after }: CheckedCode): SqlPredicate =>
  sql`pin_id = ${pinId} and sealed = ${sealed} and not exists (
    select 1 from client_numbers
    where client_numbers.number_hash = verifications.number_hash
      and client_numbers.client = verifications.client
      and not ${isBelow(sql.ref('client_numbers.sends'), 1, after)})`;

/** Whether the row in `client_numbers` of a verification meets a condition. */
const numberRowMeets = ({ pinId }: { pinId: string }, condition: SqlPredicate): SqlPredicate =>
  sql`exists (
    select 1 from verifications as counted join client_numbers
      on client_numbers.number_hash = counted.number_hash
        and client_numbers.client = counted.client
    where counted.pin_id = ${pinId} and ${condition})`;
