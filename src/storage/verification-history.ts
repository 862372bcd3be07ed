import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { seconds } from '../common/durations.js';
import type { StorageConfig } from '../config/storage.config.js';
import { Database } from './sql/database.js';
import { DATABASE_FILE } from './sql/sqlite.js';

/** A verification as the records have it. Times are milliseconds since the epoch. */
export interface VerificationRecord {
  readonly pin_id: string;
  readonly country: string;
  readonly prefix_hash: string;
  readonly number_hash: string;
  readonly created_at: number;
  readonly verified_at: number | null;
  /** The first one and its resends. */
  readonly texts: number;
}

const BATCH = 1_000;

const READ_DEADLINE_MS = seconds(5);

/** What was texted, as far as `RETENTION` reaches back. Only reads: it migrates nothing. */
export class VerificationHistory {
  private readonly next;

  /** @throws Error if there are no records where the settings say. */
  static async open(config: StorageConfig): Promise<VerificationHistory> {
    const { databaseUrl, dataDir } = config;
    if (databaseUrl === undefined && !existsSync(join(dataDir, DATABASE_FILE))) {
      throw new Error(`There are no records in ${dataDir}: set DATA_DIR or DATABASE_URL.`);
    }
    return new VerificationHistory(await Database.open(config, READ_DEADLINE_MS));
  }

  private constructor(private readonly database: Database) {
    this.next = this.database.prepare((db, p: { time: number; pinId: string }) =>
      db
        .selectFrom('verifications')
        .select(['pin_id', 'country', 'prefix_hash', 'number_hash'])
        .select(['created_at', 'verified_at', 'texts'])
        .where('created_at', '>=', p.time)
        .where((eb) => eb.or([eb('created_at', '>', p.time), eb('pin_id', '>', p.pinId)]))
        .orderBy('created_at')
        .orderBy('pin_id')
        .limit(sql.lit(BATCH)),
    );
  }

  /** Every verification that was counted, in their order. */
  async *texts(): AsyncGenerator<VerificationRecord> {
    let last = { time: 0, pinId: '' };
    for (;;) {
      const after = last;
      const { rows: batch } = await this.database.run((packet) => this.next(packet, after));
      yield* batch.filter(({ texts, country }) => texts > 0 && country !== '');
      const end = batch.at(-1);
      if (!end || batch.length < BATCH) return;
      last = { time: end.created_at, pinId: end.pin_id };
    }
  }

  async close(): Promise<void> {
    await this.database.onApplicationShutdown();
  }
}
