import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Database } from './sql/database.js';

/** Finds out whether records can be written. */
@Injectable()
export class StorageHealthIndicator {
  private readonly writeNothing;

  constructor(private readonly database: Database) {
    // Unlike a query, this is refused by a database that is only a standby, or a file that is read-only.
    this.writeNothing = database.prepare<object, object>((db) =>
      db.deleteFrom('verifications').where(sql<boolean>`1 = 0`),
    );
  }

  /** @throws DomainError `storage_unavailable` */
  async check(): Promise<void> {
    await this.database.run((packet) => this.writeNothing(packet, {}));
  }
}
