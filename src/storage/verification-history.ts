import { sql } from 'kysely';
import type { StorageConfig } from '../config/storage.config.js';
import type { Database } from './engines/database.js';
import { openForReading } from './engines/open-database.js';
import type { VerificationRow } from './migrations/schema.js';
import { hasBudgets, isCounted } from './traffic-subjects.js';

/** A stored verification. Times are milliseconds since the epoch. */
export interface VerificationRecord extends Pick<
  VerificationRow,
  'pin_id' | 'client' | 'country' | 'prefix_hash' | 'number_hash' | 'created_at' | 'verified_at'
> {
  /** The first send and its resends; 0 for a test number. */
  readonly sends: number;
}

const PAGE_SIZE = 1_000;

/** Reads the verifications that are still stored. It neither writes nor migrates. */
export class VerificationHistory {
  private readonly queries;

  /** @throws Error if there is no database where the settings say. */
  static async open(config: StorageConfig): Promise<VerificationHistory> {
    return new VerificationHistory(await openForReading(config));
  }

  constructor(private readonly database: Database) {
    this.queries = database.prepare('history', {
      nextPage: (db, p: { time: number; pinId: string }) =>
        db
          .selectFrom('verifications')
          .select(['pin_id', 'client', 'country', 'prefix_hash', 'number_hash'])
          .select(['created_at', 'verified_at', 'texts as sends'])
          .where('created_at', '>=', p.time)
          .where((eb) => eb.or([eb('created_at', '>', p.time), eb('pin_id', '>', p.pinId)]))
          .orderBy('created_at')
          .orderBy('pin_id')
          .limit(sql.lit(PAGE_SIZE)),
    });
  }

  /**
   * Lists the verifications that the fraud budgets count, oldest first. Skips those of test numbers
   * (no sends), of releases before counts existed, and of trusted numbers (no budgets).
   */
  async *list(): AsyncGenerator<VerificationRecord> {
    let last = { time: 0, pinId: '' };
    for (;;) {
      const after = last;
      const { rows } = await this.database.run((batch) => this.queries.nextPage(batch, after));
      yield* rows.filter((row) => row.sends > 0 && isCounted(row) && hasBudgets(row));
      const end = rows.at(-1);
      if (!end || rows.length < PAGE_SIZE) return;
      last = { time: end.created_at, pinId: end.pin_id };
    }
  }

  async close(): Promise<void> {
    await this.database.onApplicationShutdown();
  }
}
