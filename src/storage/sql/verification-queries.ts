import { sql } from 'kysely';
import type { Channel } from '../../common/channel.js';
import type { Database } from './database.js';
import { VERIFICATION_COLUMNS, type VerificationRow } from './schema.js';

interface Pin {
  pinId: string;
}

interface Owned {
  pinId: string;
  client: string;
}

interface NumberOfClient {
  client: string;
  numberHash: string;
}

/** Every statement on verifications, compiled once. */
export type VerificationQueries = ReturnType<typeof prepareQueries>;

export function prepareQueries(database: Database) {
  return {
    insert: database.prepare((db, p: VerificationRow) =>
      db.insertInto('verifications').values({
        pin_id: p.pin_id,
        client: p.client,
        number_hash: p.number_hash,
        status: p.status,
        channel: p.channel,
        reference_hash: p.reference_hash,
        attempts: p.attempts,
        max_attempts: p.max_attempts,
        sealed: p.sealed,
        created_at: p.created_at,
        expires_at: p.expires_at,
        verified_at: p.verified_at,
      }),
    ),

    /** Makes room for a newer pending verification of the same client and number. */
    supersede: database.prepare((db, p: NumberOfClient & { createdAt: number }) =>
      db
        .updateTable('verifications')
        .set({ status: 'cancelled' })
        .where('client', '=', p.client)
        .where('number_hash', '=', p.numberHash)
        .where('status', '=', sql.lit('pending'))
        .where('created_at', '<=', p.createdAt),
    ),

    /** Two sends to a number may be confirmed in the other order: then the older one yields. */
    confirm: database.prepare((db, p: Pin & NumberOfClient & { sealed: string }) =>
      db
        .updateTable('verifications')
        .set({
          sealed: p.sealed,
          status: sql`case when exists (
              select 1 from verifications as newer
              where newer.client = ${p.client} and newer.number_hash = ${p.numberHash}
                and newer.status = 'pending'
            ) then 'cancelled' else 'pending' end`,
        })
        .where('pin_id', '=', p.pinId)
        .where('status', '=', sql.lit('sending'))
        .returning('pin_id'),
    ),

    confirmResend: database.prepare((db, p: Pin & { sealed: string; channel: Channel }) =>
      db
        .updateTable('verifications')
        .set({ sealed: p.sealed, channel: p.channel })
        .where('pin_id', '=', p.pinId)
        .where('status', '=', sql.lit('pending'))
        .returning('pin_id'),
    ),

    fail: database.prepare((db, p: Pin) =>
      db
        .updateTable('verifications')
        .set({ status: 'failed' })
        .where('pin_id', '=', p.pinId)
        .where('status', '=', sql.lit('sending')),
    ),

    takeAttempt: database.prepare((db, p: Owned & { referenceHash: string; now: number }) =>
      db
        .updateTable('verifications')
        .set({ attempts: sql`attempts + 1` })
        .where('pin_id', '=', p.pinId)
        .where('client', '=', p.client)
        .where('status', '=', sql.lit('pending'))
        .where('reference_hash', '=', p.referenceHash)
        .where('expires_at', '>', p.now)
        .whereRef('attempts', '<', 'max_attempts')
        .returning(VERIFICATION_COLUMNS),
    ),

    returnAttempt: database.prepare((db, p: Pin) =>
      db
        .updateTable('verifications')
        .set({ attempts: sql`attempts - 1` })
        .where('pin_id', '=', p.pinId)
        .where('attempts', '>', sql.lit(0)),
    ),

    /** The race gate. */
    verify: database.prepare((db, p: Pin & { now: number }) =>
      db
        .updateTable('verifications')
        .set({ status: 'verified', verified_at: p.now })
        .where('pin_id', '=', p.pinId)
        .where('status', '=', sql.lit('pending'))
        .where('expires_at', '>', p.now)
        .returning('pin_id'),
    ),

    /** More than any number of attempts in flight can give back. */
    spendAttempts: database.prepare((db, p: Pin) =>
      db
        .updateTable('verifications')
        .set({ attempts: sql`attempts + max_attempts` })
        .where('pin_id', '=', p.pinId)
        .where('status', '=', sql.lit('pending')),
    ),

    expire: database.prepare((db, p: Pin & { now: number }) =>
      db
        .updateTable('verifications')
        .set({ expires_at: p.now })
        .where('pin_id', '=', p.pinId)
        .where('status', '=', sql.lit('pending'))
        .where('expires_at', '>', p.now),
    ),

    cancel: database.prepare((db, p: Owned) =>
      db
        .updateTable('verifications')
        .set({ status: 'cancelled' })
        .where('pin_id', '=', p.pinId)
        .where('client', '=', p.client)
        .where('status', '=', sql.lit('pending')),
    ),

    read: database.prepare((db, p: Owned) =>
      db
        .selectFrom('verifications')
        .select(VERIFICATION_COLUMNS)
        .where('pin_id', '=', p.pinId)
        .where('client', '=', p.client),
    ),

    /** The newest that the provider has taken. */
    newest: database.prepare((db, p: NumberOfClient) =>
      db
        .selectFrom('verifications')
        .select('pin_id')
        .where('client', '=', p.client)
        .where('number_hash', '=', p.numberHash)
        .where('sealed', '<>', sql.lit(''))
        .orderBy('created_at', 'desc')
        .limit(sql.lit(1)),
    ),

    lastVerified: database.prepare((db, p: NumberOfClient) =>
      db
        .selectFrom('verifications')
        .select('verified_at')
        .where('client', '=', p.client)
        .where('number_hash', '=', p.numberHash)
        .where('status', '=', sql.lit('verified'))
        .orderBy('verified_at', 'desc')
        .limit(sql.lit(1)),
    ),

    forgetKeys: database.prepare((db, p: NumberOfClient) =>
      db
        .deleteFrom('idempotency_keys')
        .where('pin_id', 'in', (eb) =>
          eb
            .selectFrom('verifications')
            .select('pin_id')
            .where('client', '=', p.client)
            .where('number_hash', '=', p.numberHash),
        ),
    ),

    forget: database.prepare((db, p: NumberOfClient) =>
      db
        .deleteFrom('verifications')
        .where('client', '=', p.client)
        .where('number_hash', '=', p.numberHash),
    ),

    renameNumber: database.prepare((db, p: { older: string; current: string }) =>
      db
        .updateTable('numbers')
        .set({ number_hash: p.current })
        .where('number_hash', '=', p.older)
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('numbers as taken')
                .select('taken.number_hash')
                .where('taken.number_hash', '=', p.current),
            ),
          ),
        ),
    ),

    renameVerifications: database.prepare(
      (db, p: { client: string; older: string; current: string }) =>
        db
          .updateTable('verifications')
          .set({ number_hash: p.current })
          .where('client', '=', p.client)
          .where('number_hash', '=', p.older),
    ),
  };
}
