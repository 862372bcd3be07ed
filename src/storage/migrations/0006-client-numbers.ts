import { sql, type Kysely } from 'kysely';
import { hours } from '../../common/durations.js';

/** Limits look back 24 hours, and a code can be entered up to ten minutes after it was sent. */
const RECENT_MS = hours(25);

/**
 * Messages, wrong codes and last success of each number, per client. Replicas of the previous
 * release go on writing `numbers`, which counts all clients together. A later migration can drop
 * that table.
 */
export async function clientNumbers(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('client_numbers')
    .addColumn('number_hash', 'text', (column) => column.notNull())
    .addColumn('client', 'text', (column) => column.notNull())
    .addColumn('sends', 'text', (column) => column.notNull())
    .addColumn('failures', 'text', (column) => column.notNull())
    .addColumn('verified_at', 'bigint', (column) => column.notNull().defaultTo(0))
    .addColumn('touched_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('client_numbers_pk', ['number_hash', 'client'])
    .execute();
  await copyNumbers(db);
  await db.schema
    .createIndex('client_numbers_never_verified')
    .on('client_numbers')
    .column('touched_at')
    .where(sql.ref('verified_at'), '=', sql.lit(0))
    .execute();
  await db.schema
    .createIndex('client_numbers_verified')
    .on('client_numbers')
    .column('verified_at')
    .where(sql.ref('verified_at'), '>', sql.lit(0))
    .execute();
}

async function copyNumbers(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ first: string | null; last: string | null }>`
    select min(client) as first, max(client) as last from verifications`.execute(db);
  const { first = null, last = null } = rows[0] ?? {};
  if (first === null) return;
  await (first === last ? copyToClient(db, first) : copyToClients(db));
}

/** A sole client gets all rows, also those whose verifications were deleted by now. */
async function copyToClient(db: Kysely<unknown>, client: string): Promise<void> {
  await sql`
    insert into client_numbers (number_hash, client, sends, failures, verified_at, touched_at)
    select number_hash, cast(${client} as text), sends, failures, verified_at, touched_at
    from numbers`.execute(db);
}

/**
 * Each client keeps its own successes. A client with a verification in the 25 hours before the
 * number's last use also gets the messages and wrong codes of all clients.
 */
async function copyToClients(db: Kysely<unknown>): Promise<void> {
  const isRecent = sql`newest > touched_at - ${sql.lit(RECENT_MS)}`;
  await sql`
    insert into client_numbers (number_hash, client, sends, failures, verified_at, touched_at)
    select numbers.number_hash, client, case when ${isRecent} then sends else '' end,
      case when ${isRecent} then failures else '' end, proved_at, touched_at
    from (
      select client, number_hash, max(created_at) as newest,
        max(case when status = 'verified' then verified_at else 0 end) as proved_at
      from verifications group by client, number_hash) as proofs
    join numbers on numbers.number_hash = proofs.number_hash
    where proved_at > 0 or ${isRecent}`.execute(db);
}
