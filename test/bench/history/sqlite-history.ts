import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import type { SqlDialect, HistoryDatabase } from './history-database.js';

const FILE = 'otp.db';

const DIALECT: SqlDialect = {
  randomText: (length) => `substr(lower(hex(randomblob((${length} + 1) / 2))), 1, ${length})`,
  series: (count) =>
    `(with recursive counted(i) as (values (0) union all
      select i + 1 from counted where i + 1 < ${String(count)}) select i from counted) as series`,
  columnsOf: (table) => `select name from pragma_table_info('${table}')`,
};

/** Opens the service's file while the service is stopped. A crash meanwhile corrupts it. */
export function openSqliteHistory(folder: string): HistoryDatabase {
  const file = join(folder, FILE);
  const database = new Libsql(file);
  // The file need not survive a crash, and a journal would be as large as the history. The indexes
  // are filled in random order, so they must fit in the cache.
  for (const pragma of ['journal_mode = OFF', 'synchronous = OFF', 'cache_size = -4000000']) {
    database.exec(`pragma ${pragma}`);
  }
  return {
    dialect: DIALECT,
    run: async (statement) => void database.exec(statement),
    list: async (query) => database.prepare(query).raw().all().flat(),
    flushAndGetSize: async () => {
      // Otherwise the service's first commits would wait until all of it is on the disk.
      const descriptor = openSync(file, 'r+');
      fsyncSync(descriptor);
      closeSync(descriptor);
      return statSync(file).size;
    },
    close: async () => {
      database.close();
    },
  };
}
