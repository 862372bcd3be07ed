import { sql, type Kysely } from 'kysely';
import type { Database } from '../engines/database.js';
import { canBeClaimed, isOpen, isWritten } from '../limits/predicates.js';
import { isNewestCode } from '../limits/window-predicates.js';
import type { DatabaseSchema } from '../migrations/schema.js';

interface IdempotencyKeyClaim {
  client: string;
  keyHash: string;
  requestHash: string;
  pinId: string;
  now: number;
  runId: string;
  /** A key that was created at this time or earlier has expired. */
  expiredBefore: number;
}

/** A run of a request, and its verification. Together they identify a key, even after a rehash. */
interface IdempotencyKeyRun {
  pinId: string;
  runId: string;
}

/** A run that claims the key of an earlier run, whose result is unknown. */
interface LostRunTakeover {
  client: string;
  keyHash: string;
  lostRunId: string;
  runId: string;
  now: number;
}

interface StoredRunResponse extends IdempotencyKeyRun {
  response: string;
}

/** The hashes of a key and its request, under an old secret and under the current one. */
interface IdempotencyKeyRehash {
  client: string;
  oldKey: string;
  newKey: string;
  oldRequest: string;
  newRequest: string;
}

/** Whether a key has no response. An erased key gets none. */
const hasNoResponse = sql<boolean>`state in ('running', 'ambiguous')`;

/** An update of a run's key. A stored response never changes, because a client may have received it. */
const update = (db: Kysely<DatabaseSchema>, p: IdempotencyKeyRun) =>
  db
    .updateTable('idempotency_keys')
    .where('pin_id', '=', p.pinId)
    .where('run', '=', p.runId)
    .where(hasNoResponse);

const store = (db: Kysely<DatabaseSchema>, p: StoredRunResponse) =>
  update(db, p).set({ state: sql.lit('answered'), sealed_answer: p.response });

const release = (db: Kysely<DatabaseSchema>, p: IdempotencyKeyRun) =>
  db.deleteFrom('idempotency_keys').where('pin_id', '=', p.pinId).where('run', '=', p.runId);

/** The statements on `idempotency_keys`. */
export const prepareKeyQueries = (database: Database) =>
  database.prepare('idempotency_keys', {
    /** Claims a new key, or one that has expired. */
    claim: (_db, p: IdempotencyKeyClaim) => sql<{ key_hash: string }>`
      insert into idempotency_keys
        (client, key_hash, request_hash, pin_id, state, sealed_answer, created_at, run)
      values (${p.client}, ${p.keyHash}, ${p.requestHash}, ${p.pinId}, 'running', '', ${p.now}, ${p.runId})
      on conflict (client, key_hash) do update set
        request_hash = excluded.request_hash, pin_id = excluded.pin_id, state = excluded.state,
        sealed_answer = excluded.sealed_answer, created_at = excluded.created_at, run = excluded.run
      where idempotency_keys.created_at <= ${p.expiredBefore}
      returning key_hash`,

    /** Claims the key for another run, unless a third run has claimed it by now. */
    takeOver: (_db, p: LostRunTakeover) => sql<{ key_hash: string }>`
      update idempotency_keys set run = ${p.runId}, state = 'running', created_at = ${p.now}
      where client = ${p.client} and key_hash = ${p.keyHash} and run = ${p.lostRunId}
        and ${hasNoResponse}
      returning key_hash`,

    read: (db, p: { client: string; keyHash: string }) =>
      db
        .selectFrom('idempotency_keys')
        .select(['request_hash', 'pin_id', 'state', 'sealed_answer', 'created_at', 'run'])
        .where('client', '=', p.client)
        .where('key_hash', '=', p.keyHash),

    store,

    /**
     * Stores the response if the verification has `sealed`, which contains the provider's PIN id.
     * If not, the message was sent but cannot be verified: marks the key as ambiguous.
     */
    storeIfConfirmed: (db, p: IdempotencyKeyRun & { sealed: string; response: string }) => {
      const confirmed = sql`exists (
        select 1 from verifications where pin_id = ${p.pinId} and sealed = ${p.sealed})`;
      return update(db, p).set({
        state: sql`case when ${confirmed} then 'answered' else 'ambiguous' end`,
        sealed_answer: sql`case when ${confirmed} then ${p.response} else '' end`,
      });
    },

    /** Stores the response to a resend if the verification has its code, and can be verified. */
    storeIfVerifiable: (db, p: StoredRunResponse & { sealed: string; now: number }) =>
      store(db, p).where(sql<boolean>`exists (
        select 1 from verifications where pin_id = ${p.pinId} and sealed = ${p.sealed}
          and ${isOpen(p.now)} and attempts < max_attempts)`),

    /** Stores the response if a request with the right code still gets `verified: true`. */
    storeIfClaimable: (db, p: StoredRunResponse & { now: number }) =>
      store(db, p).where(canBeClaimed(database.lockClause, p)),

    /** The run may have sent a message or checked a code, and its result is unknown. */
    markAmbiguous: (db, p: IdempotencyKeyRun) =>
      update(db, p).set({ state: sql.lit('ambiguous'), sealed_answer: sql.lit('') }),

    release,

    /** Releases the key if no verification was written for it. */
    releaseIfUnwritten: (db, p: IdempotencyKeyRun) =>
      release(db, p).where(sql<boolean>`not ${isWritten(p)}`),

    /** Releases the key if the submitted code was not counted for the number. */
    releaseIfUncounted: (db, p: IdempotencyKeyRun & { numberEntry: string }) =>
      release(db, p).where(sql<boolean>`not ${isNewestCode(p)}`),

    /** Replaces the hashes, unless the key has a row under the current secret, too. */
    rehash: (_db, p: IdempotencyKeyRehash) => sql`
      update idempotency_keys set
        key_hash = ${p.newKey},
        request_hash = case when request_hash = ${p.oldRequest} then ${p.newRequest} else request_hash end
      where client = ${p.client} and key_hash = ${p.oldKey} and not exists (
        select 1 from idempotency_keys as existing
        where existing.client = ${p.client} and existing.key_hash = ${p.newKey})`,
  });
