import type { PostgresServer } from '../../support/services/postgres.js';
import { newFolder, removeFolder } from '../folders.js';
import type { HistoryDatabase } from './engine-sql.js';
import { openPostgresHistory } from './postgres-history.js';
import { openSqliteHistory } from './sqlite-history.js';

/** Where the records of one service are, whether it runs or not. */
export class Place {
  private constructor(
    readonly folder: string,
    readonly databaseUrl: string | undefined,
  ) {}

  /** @param server of the database; without it, records are in a file. */
  static async create(server: PostgresServer | undefined): Promise<Place> {
    return new Place(newFolder(), await server?.createDatabase());
  }

  /** Only while no service runs here. */
  async open(): Promise<HistoryDatabase> {
    return this.databaseUrl === undefined
      ? openSqliteHistory(this.folder)
      : openPostgresHistory(this.databaseUrl);
  }

  remove(): void {
    removeFolder(this.folder);
  }
}
