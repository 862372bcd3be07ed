import { sql } from 'kysely';
import type { Channel } from '../../common/channel.js';
import { hasStatus, holdsKey, isCountedText, isOpen } from './conditions.js';
import type { Database } from './database.js';
import { VERIFICATION_COLUMNS, type VerificationRow } from './schema.js';

interface Pin {
  pinId: string;
}

/** Who took a text, and its handle. */
interface Taken {
  provider: string;
  sealed: string;
}

/** A verification, by what its text was counted (empty if it was not to be), and who claims its key. */
interface NewRow extends VerificationRow {
  entry: string;
  keyHash: string;
  runId: string;
}

/** Where values are selected, nothing else says what they are. */
const NUMERIC = new Set<keyof VerificationRow>([
  'attempts',
  'max_attempts',
  'created_at',
  'expires_at',
  'verified_at',
  'texts',
]);

/** The statements of a text's moves. */
export function prepareSendQueries(database: Database) {
  return {
    /** Provided that its run holds its idempotency key, and its text, if any, was counted. */
    insert: database.prepare((_db, p: NewRow) => {
      const columns = VERIFICATION_COLUMNS.map((column) => sql.ref(column));
      const values = VERIFICATION_COLUMNS.map((column) =>
        NUMERIC.has(column) ? sql`cast(${p[column]} as bigint)` : sql`${p[column]}`,
      );
      const counted = isCountedText({ numberHash: p.number_hash, entry: p.entry });
      return sql<Pin>`
        insert into verifications (${sql.join(columns)})
        select ${sql.join(values)} where ${holdsKey(p)} and (${p.entry} = '' or ${counted})
        returning pin_id`;
    }),

    /**
     * Makes room for one that is about to be confirmed: the same client's and number's older one. It
     * is cancelled, unless it had expired when the newer one was asked for.
     */
    supersede: database.prepare((db, p: Pin & { client: string }) => {
      const newer = db
        .selectFrom('verifications')
        .where('pin_id', '=', p.pinId)
        .where(hasStatus('sending'));
      return db
        .updateTable('verifications')
        .set({
          status: sql`case when expires_at <= ${newer.select('created_at')}
            then 'expired' else 'cancelled' end`,
        })
        .where('client', '=', p.client)
        .where('number_hash', '=', newer.select('number_hash'))
        .where('status', '=', sql.lit('pending'))
        .where('created_at', '<=', newer.select('created_at'));
    }),

    /** Two sends to a number may be confirmed in the other order: then the older one yields. */
    confirm: database.prepare((db, p: Pin & Taken) =>
      db
        .updateTable('verifications')
        .set({
          provider: p.provider,
          sealed: p.sealed,
          status: sql`case when exists (
              select 1 from verifications as newer
              where newer.client = verifications.client
                and newer.number_hash = verifications.number_hash and newer.status = 'pending'
            ) then 'cancelled' else 'pending' end`,
        })
        .where('pin_id', '=', p.pinId)
        .where(hasStatus('sending'))
        .returning('pin_id'),
    ),

    confirmResend: database.prepare((db, p: Pin & Taken & { channel: Channel }) =>
      db
        .updateTable('verifications')
        .set({ provider: p.provider, sealed: p.sealed, channel: p.channel })
        .where('pin_id', '=', p.pinId)
        .where(hasStatus('pending'))
        .returning('pin_id'),
    ),

    fail: database.prepare((db, p: Pin) =>
      db
        .updateTable('verifications')
        .set({ status: 'failed' })
        .where('pin_id', '=', p.pinId)
        .where(hasStatus('sending')),
    ),

    noteMaybeTexted: database.prepare((db, p: Pin & { providers: string }) =>
      db
        .updateTable('verifications')
        .set({
          maybe_texted: sql`case when maybe_texted = '' then cast(${p.providers} as text)
            else maybe_texted || ',' || ${p.providers} end`,
        })
        .where('pin_id', '=', p.pinId),
    ),

    /** One more text with the code of a verification that can still become verified. */
    takeResend: database.prepare((db, p: Pin & { client: string; now: number }) =>
      db
        .updateTable('verifications')
        .set({ texts: sql`case when texts > 0 then texts + 1 else 0 end` })
        .where('pin_id', '=', p.pinId)
        .where('client', '=', p.client)
        .where(isOpen(p.now))
        .whereRef('attempts', '<', 'max_attempts')
        .returning(VERIFICATION_COLUMNS),
    ),

    /** The first text never left: nothing is left of the verification. */
    discard: database.prepare((db, p: Pin) =>
      db.deleteFrom('verifications').where('pin_id', '=', p.pinId).returning(VERIFICATION_COLUMNS),
    ),

    /** A text with the same code never left. */
    returnText: database.prepare((db, p: Pin) =>
      db
        .updateTable('verifications')
        .set({ texts: sql`case when texts > 0 then texts - 1 else 0 end` })
        .where('pin_id', '=', p.pinId)
        .returning(VERIFICATION_COLUMNS),
    ),
  };
}
