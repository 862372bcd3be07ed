import { sql } from 'kysely';
import type { Channel } from '../../common/channel.js';
import type { Database } from '../engines/database.js';
import type { IdempotencyClaim } from '../idempotency.types.js';
import { hasStatus, ownsIdempotencyKey } from '../limits/predicates.js';
import { isNewestSend, isSendCounted } from '../limits/window-predicates.js';
import { VERIFICATION_COLUMNS, type VerificationRow } from '../migrations/schema.js';

interface PinKey {
  pinId: string;
}

/** What a verification stores of its newest message, for delivery reports. */
export interface TrackedMessage {
  /** Empty if it is not tracked. */
  messageHash: string;
  /** 0 if it is not tracked. */
  messageSentAt: number;
}

/** The provider that accepted a send, its encrypted PIN id, and the length of its code. */
interface AcceptedSend extends PinKey, TrackedMessage {
  provider: string;
  sealed: string;
  /** 0 if it is not known. */
  codeLength: number;
}

/** What every verification begins with. */
export const INITIAL_VALUES = {
  status: 'sending',
  attempts: 0,
  unresolved: 0,
  lost_at: 0,
  sealed: '',
  verified_at: null,
  provider: '',
  code_length: 0,
  code_provider: '',
} as const satisfies Partial<VerificationRow>;

/** A verification, the entry of its send (empty if not limited), and the claim of its key. */
interface NewVerificationRow extends Omit<VerificationRow, keyof typeof INITIAL_VALUES> {
  entry: string;
  keyHash: string;
  runId: string;
}

/** In a select nothing else gives a parameter its type. */
const NUMERIC = new Set<string>(['max_attempts', 'created_at', 'expires_at', 'texts']);

const isInitial = (column: string): column is keyof typeof INITIAL_VALUES =>
  Object.hasOwn(INITIAL_VALUES, column);

const COLUMNS = sql.join(VERIFICATION_COLUMNS.map((column) => sql.ref(column)));

/** The statements that reserve first sends. */
export const prepareReservationQueries = (database: Database) =>
  database.prepare('sends', {
    /** Inserts nothing if its run lost its idempotency key, or its send is limited and was not counted. */
    insert: (_db, p: NewVerificationRow) => {
      const values = VERIFICATION_COLUMNS.map((column) => {
        if (isInitial(column)) return sql.lit(INITIAL_VALUES[column]);
        return NUMERIC.has(column) ? sql`cast(${p[column]} as bigint)` : sql`${p[column]}`;
      });
      const counted = isNewestSend({ numberHash: p.number_hash, client: p.client, entry: p.entry });
      return sql<{ pin_id: string }>`
        insert into verifications (${COLUMNS})
        select ${sql.join(values)} where ${ownsIdempotencyKey(p)} and (${p.entry} = '' or ${counted})
        returning pin_id`;
    },
  });

/** The statements that reserve resends. */
export const prepareResendReservationQueries = (database: Database) =>
  database.prepare('sends', {
    /** Counts another send of a verification that can be verified until a time, at least. */
    addResend: (_db, p: PinKey & { client: string; until: number }) => sql<VerificationRow>`
      update verifications set texts = case when texts > 0 then texts + 1 else 0 end
      where pin_id = ${p.pinId} and client = ${p.client} and ${hasStatus('pending')}
        and expires_at >= ${p.until} and attempts < max_attempts
      returning ${COLUMNS}`,

    /** The verification, if this resend was counted. An `entry` is empty if it is not limited. */
    readResend: (
      _db,
      p: PinKey & IdempotencyClaim & { client: string; entry: string },
    ) => sql<PinKey>`
      select pin_id from verifications
      where pin_id = ${p.pinId} and ${ownsIdempotencyKey(p)}
        and (${p.entry} = '' or ${isSendCounted(p)})`,
  });

/** The statements that confirm or release sends. */
export const prepareOutcomeQueries = (database: Database) =>
  database.prepare('sends', {
    /**
     * Before a confirmation, ends the client's older pending verification of the number: cancelled,
     * or expired if it had expired when the newer one was requested.
     */
    supersede: (_db, p: PinKey & { client: string }) => {
      const selectNewer = (column: 'created_at' | 'number_hash') => sql`(
        select ${sql.ref(column)} from verifications
        where pin_id = ${p.pinId} and ${hasStatus('sending')})`;
      return sql`
        update verifications set superseded_by = ${p.pinId}, status = case
          when expires_at <= ${selectNewer('created_at')} then 'expired' else 'cancelled' end
        where client = ${p.client} and number_hash = ${selectNewer('number_hash')}
          and status = 'pending' and created_at <= ${selectNewer('created_at')}`;
    },

    /**
     * Two sends to a number may be confirmed in either order: the older one is cancelled. If it became
     * pending after `supersede`, `verifications_one_pending` fails this statement, and both are repeated.
     */
    confirm: (_db, p: AcceptedSend) => sql<{ pin_id: string }>`
      update verifications set ${setSentCode(p)},
        status = case when exists (
          select 1 from verifications as newer
          where newer.client = verifications.client
            and newer.number_hash = verifications.number_hash and newer.status = 'pending'
            and newer.created_at >= verifications.created_at
        ) then 'cancelled' else 'pending' end
      where pin_id = ${p.pinId} and ${hasStatus('sending')}
      returning pin_id`,

    fail: (_db, p: PinKey) => sql`
      update verifications set status = 'failed'
      where pin_id = ${p.pinId} and ${hasStatus('sending')}`,

    removeResend: (_db, p: PinKey) => sql<VerificationRow>`
      update verifications set texts = case when texts > 0 then texts - 1 else 0 end
      where pin_id = ${p.pinId}
      returning ${COLUMNS}`,

    delete: (_db, p: PinKey) => sql<VerificationRow>`
      delete from verifications where pin_id = ${p.pinId} returning ${COLUMNS}`,
  });

/** The statements that confirm resends. */
export const prepareResendQueries = (database: Database) =>
  database.prepare('sends', {
    /**
     * Replaces the code `replaced` and no other: concurrent resends may be confirmed in either order.
     * Keeps the send before it for usage reports, once: a write may be repeated.
     */
    confirmResend: (
      _db,
      p: AcceptedSend & { channel: Channel; replaced: string },
    ) => sql<VerificationRow>`
      update verifications set ${setSentCode(p)}, channel = ${p.channel},
        earlier_sends = case when sealed = ${p.sealed} then earlier_sends
          else earlier_sends || provider || ':' || channel || ',' end
      where pin_id = ${p.pinId} and sealed in (${p.replaced}, ${p.sealed}) and ${hasStatus('pending')}
      returning ${COLUMNS}`,

    /** Keeps a resend that replaces no code, for usage reports. */
    addEarlierSend: (_db, p: PinKey & { provider: string; channel: Channel }) => sql`
      update verifications
      set earlier_sends = earlier_sends || ${p.provider} || ':' || ${p.channel} || ','
      where pin_id = ${p.pinId}`,
  });

const setSentCode = (p: AcceptedSend) =>
  sql`provider = ${p.provider}, sealed = ${p.sealed},
        code_length = ${p.codeLength}, code_provider = ${p.provider},
        message_hash = ${p.messageHash}, message_sent_at = ${p.messageSentAt}`;
