import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Database, type ConnectionState } from './engines/database.js';

/** Checks whether the database accepts writes. */
@Injectable()
export class StorageHealthIndicator {
  private readonly queries;

  constructor(private readonly database: Database) {
    // A standby or a read-only file refuses this statement, unlike a select.
    this.queries = database.prepare('health', {
      writeNothing: (db) => db.deleteFrom('verifications').where(sql<boolean>`1 = 0`),
    });
  }

  /** @throws DomainError `storage_unavailable` if the database accepts no writes */
  async check(): Promise<void> {
    await this.database.run((batch) => this.queries.writeNothing(batch, {}));
  }

  /** How many connections of PostgreSQL's pool are in each state; `undefined` with SQLite. */
  getConnections(): Readonly<Record<ConnectionState, number>> | undefined {
    return this.database.getConnections();
  }
}
