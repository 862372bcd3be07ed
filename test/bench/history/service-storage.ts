import type { PostgresServer } from '../../support/services/postgres.js';
import { createFolder, removeFolder } from '../folders.js';
import type { HistoryDatabase } from './history-database.js';
import { openPostgresHistory } from './postgres-history.js';
import { openSqliteHistory } from './sqlite-history.js';

/** The data folder and database of one service, whether it runs or not. */
export class ServiceStorage {
  private constructor(
    readonly folder: string,
    readonly databaseUrl: string | undefined,
  ) {}

  /** @param server the PostgreSQL server; without it, the data is in a SQLite file */
  static async create(server: PostgresServer | undefined): Promise<ServiceStorage> {
    return new ServiceStorage(createFolder(), await server?.createDatabase());
  }

  /** Only while the service is stopped. */
  async open(): Promise<HistoryDatabase> {
    return this.databaseUrl === undefined
      ? openSqliteHistory(this.folder)
      : openPostgresHistory(this.databaseUrl);
  }

  remove(): void {
    removeFolder(this.folder);
  }
}
