import { sql } from 'kysely';
import type { Database } from './database.js';

interface Before {
  before: number;
}

/** The statements of the housekeeping; each touches at most `batch` rows and names them. */
export function prepareHousekeeping(database: Database, batch: number) {
  const limit = sql.lit(batch);
  return {
    failLost: database.prepare((db, p: Before) =>
      db
        .updateTable('verifications')
        .set({ status: 'failed' })
        .where('pin_id', 'in', (eb) =>
          eb
            .selectFrom('verifications')
            .select('pin_id')
            .where('status', '=', sql.lit('sending'))
            .where('created_at', '<=', p.before)
            .limit(limit),
        )
        .where('status', '=', sql.lit('sending'))
        .returning('pin_id'),
    ),

    deleteVerifications: database.prepare((db, p: Before) =>
      db
        .deleteFrom('verifications')
        .where('pin_id', 'in', (eb) =>
          eb
            .selectFrom('verifications')
            .select('pin_id')
            .where('created_at', '<=', p.before)
            .orderBy('created_at')
            .limit(limit),
        )
        .returning('pin_id'),
    ),

    deleteKeys: database.prepare((db, p: Before) =>
      db
        .deleteFrom('idempotency_keys')
        .where((eb) =>
          eb(
            eb.refTuple('client', 'key_hash'),
            'in',
            eb
              .selectFrom('idempotency_keys')
              .select(['client', 'key_hash'])
              .where('created_at', '<=', p.before)
              .orderBy('created_at')
              .limit(limit)
              .$asTuple('client', 'key_hash'),
          ),
        )
        .where('created_at', '<=', p.before)
        .returning('key_hash'),
    ),

    deleteNumbers: database.prepare((db, p: Before) =>
      db
        .deleteFrom('numbers')
        .where('number_hash', 'in', (eb) =>
          eb
            .selectFrom('numbers')
            .select('number_hash')
            .where('verified_at', '=', sql.lit(0))
            .where('touched_at', '<=', p.before)
            .orderBy('touched_at')
            .limit(limit),
        )
        .where('verified_at', '=', sql.lit(0))
        .where('touched_at', '<=', p.before)
        .returning('number_hash'),
    ),

    /** It is known no longer; one that is texted still has logs that count. */
    forgetVerified: database.prepare((db, p: Before) =>
      db
        .updateTable('numbers')
        .set({ verified_at: 0 })
        .where('number_hash', 'in', (eb) =>
          eb
            .selectFrom('numbers')
            .select('number_hash')
            .where('verified_at', '>', sql.lit(0))
            .where('verified_at', '<=', p.before)
            .orderBy('verified_at')
            .limit(limit),
        )
        .where('verified_at', '<=', p.before)
        .returning('number_hash'),
    ),

    deleteEndUsers: database.prepare((db, p: Before) =>
      db
        .deleteFrom('end_users')
        .where('address_hash', 'in', (eb) =>
          eb
            .selectFrom('end_users')
            .select('address_hash')
            .where('touched_at', '<=', p.before)
            .orderBy('touched_at')
            .limit(limit),
        )
        .where('touched_at', '<=', p.before)
        .returning('address_hash'),
    ),

    deleteTraffic: database.prepare((db, p: { before: number }) =>
      db
        .deleteFrom('traffic')
        .where((eb) =>
          eb(
            eb.refTuple('subject', 'slot', 'shard'),
            'in',
            eb
              .selectFrom('traffic')
              .select(['subject', 'slot', 'shard'])
              .where('slot', '<', p.before)
              .orderBy('slot')
              .limit(limit)
              .$asTuple('subject', 'slot', 'shard'),
          ),
        )
        .returning('subject'),
    ),
  };
}
