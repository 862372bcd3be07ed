import { sql, type Kysely } from 'kysely';
import { canVerify, isCountedCode, isWritten } from './conditions.js';
import type { Database } from './database.js';
import type { IdempotencyKeyRow, Schema } from './schema.js';

interface Claim extends IdempotencyKeyRow {
  forgottenBefore: number;
  lostBefore: number;
}

/** A run of a request, and the verification that it is about: by these its key is found. */
interface Run {
  pinId: string;
  run: string;
}

/** A key under a secret that is on its way out, and the request that it came with. */
interface Renewal {
  client: string;
  older: string;
  current: string;
  olderRequest: string;
  currentRequest: string;
}

interface Finish extends Run {
  state: IdempotencyKeyRow['state'];
  answer: string;
}

/** The key of a run that still holds it, whatever it is called by now. */
const held = (db: Kysely<Schema>, p: Run) =>
  db.updateTable('idempotency_keys').where('pin_id', '=', p.pinId).where('run', '=', p.run);

const finish = (db: Kysely<Schema>, p: Finish) =>
  held(db, p).set({ state: p.state, sealed_answer: p.answer });

const release = (db: Kysely<Schema>, p: Run) =>
  db.deleteFrom('idempotency_keys').where('pin_id', '=', p.pinId).where('run', '=', p.run);

/** Every statement on idempotency keys, compiled once. */
export function prepareKeyQueries(database: Database) {
  return {
    claim: database.prepare((db, p: Claim) =>
      db
        .insertInto('idempotency_keys')
        .values({
          client: p.client,
          key_hash: p.key_hash,
          request_hash: p.request_hash,
          pin_id: p.pin_id,
          state: p.state,
          sealed_answer: p.sealed_answer,
          created_at: p.created_at,
          run: p.run,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['client', 'key_hash'])
            .doUpdateSet((eb) => ({
              request_hash: eb.ref('excluded.request_hash'),
              pin_id: eb.ref('excluded.pin_id'),
              state: eb.ref('excluded.state'),
              sealed_answer: eb.ref('excluded.sealed_answer'),
              created_at: eb.ref('excluded.created_at'),
              run: eb.ref('excluded.run'),
            }))
            .where((eb) =>
              eb.or([
                eb('idempotency_keys.created_at', '<=', p.forgottenBefore),
                eb.and([
                  eb('idempotency_keys.state', '=', sql.lit('running')),
                  eb('idempotency_keys.request_hash', '=', eb.ref('excluded.request_hash')),
                  eb('idempotency_keys.created_at', '<=', p.lostBefore),
                ]),
              ]),
            ),
        )
        .returning('key_hash'),
    ),
    read: database.prepare((db, p: { client: string; keyHash: string }) =>
      db
        .selectFrom('idempotency_keys')
        .select([
          'client',
          'key_hash',
          'request_hash',
          'pin_id',
          'state',
          'sealed_answer',
          'created_at',
          'run',
        ])
        .where('client', '=', p.client)
        .where('key_hash', '=', p.keyHash),
    ),
    finish: database.prepare(finish),
    /** An answer that only a verification has which holds this handle; else nobody knows its end. */
    finishTaken: database.prepare((db, p: Run & { sealed: string; answer: string }) => {
      const taken = sql`exists (
        select 1 from verifications where pin_id = ${p.pinId} and sealed = ${p.sealed})`;
      return held(db, p).set({
        state: sql`case when ${taken} then 'answered' else 'ambiguous' end`,
        sealed_answer: sql`case when ${taken} then ${p.answer} else '' end`,
      });
    }),
    /** An answer that only holds if a right code still opens the verification. */
    finishVerified: database.prepare((db, p: Finish & { now: number }) =>
      finish(db, p).where(canVerify(database, p)),
    ),
    release: database.prepare(release),
    /** Of a run that was not to write its verification. */
    releaseUnwritten: database.prepare((db, p: Run) =>
      release(db, p).where(sql<boolean>`not ${isWritten(p)}`),
    ),
    /** Of a run whose code was not counted. */
    releaseUncounted: database.prepare((db, p: Run & { entry: string }) =>
      release(db, p).where(sql<boolean>`not ${isCountedCode(p)}`),
    ),
    /** Unless its request has come again since, under the current secret. */
    rename: database.prepare((db, p: Renewal) =>
      db
        .updateTable('idempotency_keys')
        .set({
          key_hash: p.current,
          request_hash: sql`case when request_hash = ${p.olderRequest}
            then ${p.currentRequest} else request_hash end`,
        })
        .where('client', '=', p.client)
        .where('key_hash', '=', p.older)
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('idempotency_keys as taken')
                .select('taken.key_hash')
                .where('taken.client', '=', p.client)
                .where('taken.key_hash', '=', p.current),
            ),
          ),
        ),
    ),
  };
}
