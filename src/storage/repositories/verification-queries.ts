import { sql, type RawBuilder } from 'kysely';
import type { Database } from '../engines/database.js';
import { hasStatus, isClaimable, isOpen } from '../limits/predicates.js';
import {
  isCodeCounted,
  isNewestCode,
  isNotReplaced,
  isCodeReserved,
  type CodeEntry,
  type CodeNumberKey,
  type CheckedCode,
} from '../limits/window-predicates.js';
import {
  ATTEMPT_COLUMNS,
  VERIFICATION_COLUMNS,
  type AttemptedVerificationRow,
  type VerificationRow,
} from '../migrations/schema.js';
import {
  DELETED_VERIFICATION_COLUMNS,
  DELETED_MESSAGE_COLUMNS,
  type DeletedMessage,
  type DeletedVerification,
} from '../usage-counts.js';

interface PinKey {
  pinId: string;
}

interface ClientPinKey extends PinKey {
  client: string;
}

interface ClientNumberKey {
  client: string;
  numberHash: string;
}

/** The hash of a number under an old secret and under the current one. */
interface NumberHashChange {
  oldHash: string;
  newHash: string;
}

const toList = (columns: readonly string[]) => sql.join(columns.map((column) => sql.ref(column)));

const COLUMNS = toList(VERIFICATION_COLUMNS);
const COLUMNS_OF_ATTEMPT = toList(ATTEMPT_COLUMNS);

export type VerificationQueries = ReturnType<typeof prepareVerificationQueries>;

/** The statements on verifications, without those of a send. */
export const prepareVerificationQueries = (database: Database) =>
  database.prepare('verifications', {
    /** Counts an attempt, if `NumberReservations` has counted it before in this batch. */
    reserveAttempt: (
      _db,
      p: CodeEntry & { unresolved: number; countsAsLostAt: number },
    ) => sql<AttemptedVerificationRow>`
      update verifications set attempts = attempts + 1, unresolved = unresolved + ${p.unresolved},
        lost_at = case when unresolved > 0 then lost_at else ${p.countsAsLostAt} end
      where pin_id = ${p.pinId} and ${isNewestCode(p)}
      returning ${COLUMNS_OF_ATTEMPT}`,

    /** Waits for transactions that change the verification. */
    lock: (_db, p: PinKey) => sql<VerificationRow>`
      select ${COLUMNS} from verifications where pin_id = ${p.pinId} ${database.lockClause}`,

    /** The verification, if this attempt was counted. */
    readReserved: (_db, p: CodeEntry) => sql<AttemptedVerificationRow>`
      select ${COLUMNS_OF_ATTEMPT} from verifications
      where pin_id = ${p.pinId} and ${isCodeCounted(p)}`,

    /** The verification, if this attempt verified it: then the code no longer counts as wrong. */
    readVerified: (_db, p: CodeEntry & { now: number }) => sql<{ pin_id: string }>`
      select pin_id from verifications
      where pin_id = ${p.pinId} and ${hasStatus('verified')} and verified_at = ${p.now}
        and not ${isCodeCounted(p)}`,

    /** An ended verification keeps its attempts, because whether it is exhausted must not change. */
    releaseAttempt: (_db, p: PinKey & { resolved: number }) => sql`
      update verifications set ${setResolved(p)},
        attempts = case when ${hasStatus('pending')} then attempts - 1 else attempts end
      where pin_id = ${p.pinId} and attempts > 0`,

    /** The check of an attempt has a result, if the attempt is still counted as it was reserved. */
    resolveAttempt: (_db, p: CodeNumberKey & { numberEntry: string; resolved: number }) => sql`
      update verifications set ${setResolved(p)}
      where pin_id = ${p.pinId} and ${isCodeReserved(p)}`,

    /** The answer to a check is lost now: do not wait until `lost_at`. */
    markLost: (_db, p: PinKey & { now: number }) => sql`
      update verifications set lost_at = ${p.now}
      where pin_id = ${p.pinId} and lost_at > ${p.now}`,

    /** Only one of any number of concurrent requests updates the row. */
    verify: (_db, p: PinKey & { now: number; resolved: number }) => sql<{ pin_id: string }>`
      update verifications set status = 'verified', verified_at = ${p.now}, ${setResolved(p)}
      where pin_id = ${p.pinId} and ${isClaimable(p.now)}
      returning pin_id`,

    /** The provider verified a code, but it is not known which request submitted it. */
    markUnclaimed: (_db, p: PinKey & { now: number }) => sql`
      update verifications set status = 'unclaimed', verified_at = ${p.now}
      where pin_id = ${p.pinId} and ${isOpen(p.now)}`,

    /** Spends more attempts than concurrent requests can release. */
    exhaustAttempts: (_db, p: CheckedCode) => sql`
      update verifications set attempts = attempts + max_attempts
      where ${isNotReplaced(p)} and ${hasStatus('pending')}`,

    expire: (_db, p: CheckedCode & { now: number }) => sql`
      update verifications set expires_at = ${p.now}
      where ${isNotReplaced(p)} and ${isOpen(p.now)}`,

    /** Does nothing if the provider is named already. */
    addPossiblySentBy: (_db, p: PinKey & { provider: string }) => sql`
      update verifications set maybe_texted = case
        when maybe_texted = '' then cast(${p.provider} as text)
        else maybe_texted || ',' || ${p.provider} end
      where pin_id = ${p.pinId} and replace(maybe_texted, ${p.provider}, '') = maybe_texted`,

    cancel: (_db, p: ClientPinKey & { now: number }) => sql<{ pin_id: string }>`
      update verifications set status = 'cancelled'
      where pin_id = ${p.pinId} and client = ${p.client} and ${isOpen(p.now)}
      returning pin_id`,

    read: (db, p: ClientPinKey) =>
      db
        .selectFrom('verifications')
        .select(VERIFICATION_COLUMNS)
        .where('pin_id', '=', p.pinId)
        .where('client', '=', p.client),

    /** The newest that a provider accepted. */
    readNewest: (_db, p: ClientNumberKey) => sql<{ pin_id: string }>`
      select pin_id from verifications
      where client = ${p.client} and number_hash = ${p.numberHash} and sealed <> ''
      order by created_at desc limit 1`,

    readLastVerified: (_db, p: ClientNumberKey) => sql<{ verified_at: number | null }>`
      select verified_at from verifications
      where client = ${p.client} and number_hash = ${p.numberHash} and status in ('verified', 'unclaimed')
      order by verified_at desc limit 1`,

    /**
     * Waits for transactions that change verifications of the number. The statements after this one
     * then see what those wrote, such as idempotency keys.
     */
    lockNumber: (_db, p: ClientNumberKey) => sql`
      select pin_id from verifications
      where client = ${p.client} and number_hash = ${p.numberHash}
      order by pin_id ${database.lockClause}`,

    /**
     * Erases the responses and keeps the keys, so that no repeated request runs again. An empty
     * request hash matches no request, so replicas of the previous release reject the key, too.
     */
    eraseAnswers: (_db, p: ClientNumberKey) => sql`
      update idempotency_keys set state = 'erased', request_hash = '', sealed_answer = ''
      where pin_id in (
        select pin_id from verifications
        where client = ${p.client} and number_hash = ${p.numberHash})`,

    /** The events that wait, or were sent. */
    eraseEvents: (_db, p: ClientNumberKey) => sql`
      delete from outbox
      where pin_id in (
        select pin_id from verifications
        where client = ${p.client} and number_hash = ${p.numberHash})`,

    /** Comes after `eraseAnswers`. */
    erase: (_db, p: ClientNumberKey) => sql<DeletedVerification>`
      delete from verifications where ${isErasable(p)} returning ${DELETED_VERIFICATION_COLUMNS}`,

    /** Comes before `erase`: deletes the messages of the same verifications. */
    eraseMessages: (_db, p: ClientNumberKey) => sql<DeletedMessage>`
      delete from messages where pin_id in (select pin_id from verifications where ${isErasable(p)})
      returning ${DELETED_MESSAGE_COLUMNS}`,

    /** For all clients, because a client's limits depend on the sends and codes of the others. */
    rehashNumber: (_db, p: NumberHashChange) => sql`
      update client_numbers set number_hash = ${p.newHash}
      where number_hash = ${p.oldHash} and not exists (
        select 1 from client_numbers as existing
        where existing.number_hash = ${p.newHash} and existing.client = client_numbers.client)`,

    /** Of two pending verifications of a number, under different secrets, cancels the older one. */
    cancelOlderPending: (_db, p: NumberHashChange & { client: string }) => {
      const selectNewer = (column: RawBuilder<unknown>) => sql`
          select ${column} from verifications as newer
          where newer.client = verifications.client and newer.status = 'pending'
            and newer.number_hash in (${p.oldHash}, ${p.newHash})
            and (newer.created_at, newer.pin_id) > (verifications.created_at, verifications.pin_id)`;
      return sql`
      update verifications set status = 'cancelled', superseded_by = (${selectNewer(sql`pin_id`)})
      where client = ${p.client} and number_hash in (${p.oldHash}, ${p.newHash})
        and status = 'pending' and exists (${selectNewer(sql`1`)})`;
    },

    rehashVerifications: (_db, p: NumberHashChange & { client: string }) => sql`
      update verifications set number_hash = ${p.newHash}
      where client = ${p.client} and number_hash = ${p.oldHash}`,
  });

/**
 * Whether a verification of the number may be deleted: all its keys are erased. A send that was
 * committed after `eraseAnswers` keeps its verification, so that the next erase finds its key.
 */
const isErasable = (p: ClientNumberKey) => sql`
  client = ${p.client} and number_hash = ${p.numberHash} and not exists (
    select 1 from idempotency_keys
    where idempotency_keys.pin_id = verifications.pin_id and state <> 'erased')`;

/** Not below 0: replicas of the previous release do not count their attempts as unresolved. */
const setResolved = (p: { resolved: number }) =>
  sql`unresolved = case when unresolved > ${p.resolved} then unresolved - ${p.resolved} else 0 end`;
