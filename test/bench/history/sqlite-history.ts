import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import type { EngineWords, HistoryDatabase } from './engine-sql.js';

const FILE = 'otp.db';

const WORDS: EngineWords = {
  noise: (length) => `substr(lower(hex(randomblob((${length} + 1) / 2))), 1, ${length})`,
  series: (count) =>
    `(with recursive counted(i) as (values (0) union all
      select i + 1 from counted where i + 1 < ${String(count)}) select i from counted) as series`,
  columnsOf: (table) => `select name from pragma_table_info('${table}')`,
};

/** The service's own file, while the service does not run. A crash in the middle spoils it. */
export function openSqliteHistory(folder: string): HistoryDatabase {
  const file = join(folder, FILE);
  const database = new Libsql(file);
  // Nothing of this has to outlive a crash, and a journal would be as large as the history. The
  // indexes are filled in no order, so they have to fit the cache.
  for (const pragma of ['journal_mode = OFF', 'synchronous = OFF', 'cache_size = -4000000']) {
    database.exec(`pragma ${pragma}`);
  }
  return {
    words: WORDS,
    run: async (statement) => void database.exec(statement),
    list: async (query) => database.prepare(query).raw().all().flat(),
    settle: async () => {
      // Otherwise the service's first commits would wait for all of it to reach the disk.
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
