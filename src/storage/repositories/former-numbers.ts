import { sql } from 'kysely';
import { toIdentity } from '../../common/phone-identity.js';
import type { PhoneNumber } from '../../common/phone-number.js';
import type { DataProtection } from '../data-protection.js';
import type { Database } from '../engines/database.js';
import type { Executor, PreparedQuery, StatementBatch } from '../engines/statement-batch.js';

/*
 * Earlier builds stored a number as the client spelled it. So the rows of one phone may have two
 * hashes: of its identity, and of a former spelling. They are merged when the phone is next used.
 *
 * Delete this file, and its uses in verification-table.ts, after every installation has run a build
 * that contains it for the longer of RETENTION and 90 days, the time that a verified number is
 * trusted. By then every such row is deleted or merged.
 */

/** From an identity to the former spelling, which earlier builds took for another number. */
const FORMER_SPELLINGS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/^\+549(\d{10})$/, '+54$1'],
  // Only stored by services with NUMBER_CHECK=possible.
  [/^\+55(\d\d)9([6-9]\d{7})$/, '+55$1$2'],
  [/^\+22901(\d{8})$/, '+229$1'],
  [/^\+970(5[69]\d{7})$/, '+972$1'],
];

/** The time of an event and a random part; see `sliding-window.ts`. */
const WINDOW_ENTRY = /\d{13}[\da-f]{8}/g;

/** The rows of one number under its former hash and under that of its identity. */
interface FormerHash {
  readonly oldHash: string;
  readonly newHash: string;
}

/** The statements on the verifications of a client and number. */
interface VerificationQueries {
  readonly lockNumber: PreparedQuery<{ client: string; numberHash: string }, unknown>;
  readonly cancelOlderPending: PreparedQuery<FormerHash & { client: string }, unknown>;
  readonly rehashVerifications: PreparedQuery<FormerHash & { client: string }, unknown>;
}

/** Adds the events of verifications that a merge ends. */
interface EventRecorder {
  addSupersededByRehash(batch: StatementBatch, client: string, numberHash: string): void;
}

interface NumberRow {
  readonly client: string;
  readonly sends: string;
  readonly failures: string;
  readonly verified_at: number;
  readonly touched_at: number;
}

/** Merges the rows of a former spelling into those of the identity. */
export class FormerNumbers {
  private readonly queries;

  constructor(
    private readonly database: Database,
    private readonly protection: DataProtection,
    private readonly verifications: VerificationQueries,
    private readonly webhooks: EventRecorder,
  ) {
    this.queries = prepareFormerNumberQueries(database);
  }

  /**
   * Merges the rows of all clients in `client_numbers`, because a client's limits depend on other
   * clients, and the verifications of these clients and of `client`. A number without a former
   * spelling costs no statement.
   */
  async merge(executor: Executor, { identity }: PhoneNumber, client: string): Promise<void> {
    const former = findFormerSpelling(identity);
    if (former === undefined) return;
    const newHash = this.protection.hash('phone-number', identity);
    for (const oldHash of this.protection.getAllHashes('phone-number', former)) {
      const { row } = await executor.run((batch) => this.queries.find(batch, { client, oldHash }));
      if (!row) continue;
      const move = (transaction: Executor) =>
        this.moveRows(transaction, { oldHash, newHash }, client);
      await (executor === this.database ? this.database.transaction(move) : move(executor));
    }
  }

  /** Moves the rows of one old hash. Locks the verifications before the numbers, as attempts do. */
  private async moveRows(transaction: Executor, hashes: FormerHash, client: string): Promise<void> {
    const { oldHash, newHash } = hashes;
    const found = await transaction.run((batch) => this.queries.findClients(batch, { oldHash }));
    const clients = [...new Set([client, ...found.rows.map((row) => row.client)])].sort();
    const numbers = await transaction.run((batch) => {
      for (const name of clients) {
        this.verifications.lockNumber(batch, { client: name, numberHash: oldHash });
        this.verifications.lockNumber(batch, { client: name, numberHash: newHash });
      }
      // Waits for a concurrent send that inserts such a row, so that the next statement sees the row.
      this.queries.addNumbers(batch, hashes);
      return this.queries.lockNumbers(batch, hashes);
    });
    await transaction.run((batch) => {
      for (const name of clients) {
        const rows = numbers.rows.filter((row) => row.client === name);
        if (rows.length > 0) {
          this.queries.update(batch, { newHash, ...mergeRows(name, rows) });
          this.queries.delete(batch, { oldHash, client: name });
        }
        this.verifications.cancelOlderPending(batch, { client: name, ...hashes });
        this.verifications.rehashVerifications(batch, { client: name, ...hashes });
        this.webhooks.addSupersededByRehash(batch, name, newHash);
      }
    });
  }
}

function findFormerSpelling(identity: string): string | undefined {
  const [pattern, replacement] = FORMER_SPELLINGS.find(([form]) => form.test(identity)) ?? [];
  if (!pattern || replacement === undefined) return undefined;
  const former = identity.replace(pattern, replacement);
  // Otherwise that spelling is the number of another phone.
  return toIdentity(former) === identity ? former : undefined;
}

const mergeRows = (client: string, rows: readonly NumberRow[]): NumberRow => ({
  client,
  sends: mergeEntries(rows.map(({ sends }) => sends)),
  failures: mergeEntries(rows.map(({ failures }) => failures)),
  verified_at: Math.max(...rows.map(({ verified_at }) => verified_at)),
  touched_at: Math.max(...rows.map(({ touched_at }) => touched_at)),
});

/** The newest entry comes first. */
const mergeEntries = (columns: readonly string[]): string =>
  columns
    .flatMap((entries) => entries.match(WINDOW_ENTRY) ?? [])
    .sort()
    .reverse()
    .join('');

const prepareFormerNumberQueries = (database: Database) =>
  database.prepare('former_numbers', {
    find: (_db, p: { oldHash: string; client: string }) => sql<{ found: number }>`
      select 1 as found where exists (select 1 from client_numbers where number_hash = ${p.oldHash})
        or exists (
          select 1 from verifications where client = ${p.client} and number_hash = ${p.oldHash})`,

    findClients: (_db, p: { oldHash: string }) => sql<{ client: string }>`
      select client from client_numbers where number_hash = ${p.oldHash}`,

    addNumbers: (_db, p: FormerHash) => sql`
      insert into client_numbers (number_hash, client, sends, failures, verified_at, touched_at)
      select cast(${p.newHash} as text), client, '', '', 0, touched_at
      from client_numbers where number_hash = ${p.oldHash} order by client
      on conflict (number_hash, client) do nothing`,

    lockNumbers: (_db, p: FormerHash) => sql<NumberRow>`
      select client, sends, failures, verified_at, touched_at from client_numbers
      where number_hash in (${p.oldHash}, ${p.newHash})
      order by client, number_hash ${database.lockClause}`,

    update: (_db, p: NumberRow & { newHash: string }) => sql`
      update client_numbers set sends = ${p.sends}, failures = ${p.failures},
        verified_at = ${p.verified_at}, touched_at = ${p.touched_at}
      where number_hash = ${p.newHash} and client = ${p.client}`,

    delete: (_db, p: { oldHash: string; client: string }) => sql`
      delete from client_numbers where number_hash = ${p.oldHash} and client = ${p.client}`,
  });
