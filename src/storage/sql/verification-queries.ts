import { sql } from 'kysely';
import { hasStatus, isCountedCode, isOpen } from './conditions.js';
import type { Database } from './database.js';
import { VERIFICATION_COLUMNS } from './schema.js';

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

/** The statements on verifications, compiled once, but for those of a text's moves. */
export type VerificationQueries = ReturnType<typeof prepareQueries>;

export function prepareQueries(database: Database) {
  return {
    /** For a code that has just been entered in its number's log, where nothing else was in the way. */
    takeAttempt: database.prepare((db, p: Pin & { entry: string }) =>
      db
        .updateTable('verifications')
        .set({ attempts: sql`attempts + 1` })
        .where('pin_id', '=', p.pinId)
        .where(isCountedCode(p))
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
        .where(isOpen(p.now))
        .returning('pin_id'),
    ),

    /** More than any number of attempts in flight can give back. */
    spendAttempts: database.prepare((db, p: Pin) =>
      db
        .updateTable('verifications')
        .set({ attempts: sql`attempts + max_attempts` })
        .where('pin_id', '=', p.pinId)
        .where(hasStatus('pending')),
    ),

    expire: database.prepare((db, p: Pin & { now: number }) =>
      db
        .updateTable('verifications')
        .set({ expires_at: p.now })
        .where('pin_id', '=', p.pinId)
        .where(isOpen(p.now)),
    ),

    cancel: database.prepare((db, p: Owned & { now: number }) =>
      db
        .updateTable('verifications')
        .set({ status: 'cancelled' })
        .where('pin_id', '=', p.pinId)
        .where('client', '=', p.client)
        .where(isOpen(p.now)),
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

    /** Of two that work for a number, written under different secrets, the older one yields. */
    yieldPending: database.prepare((db, p: { client: string; older: string; current: string }) =>
      db
        .updateTable('verifications')
        .set({ status: 'cancelled' })
        .where('client', '=', p.client)
        .where('number_hash', 'in', [p.older, p.current])
        .where('status', '=', sql.lit('pending'))
        .where(
          sql<boolean>`exists (
            select 1 from verifications as newer
            where newer.client = verifications.client and newer.status = 'pending'
              and newer.number_hash in (${p.older}, ${p.current})
              and (newer.created_at, newer.pin_id) > (verifications.created_at, verifications.pin_id))`,
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
