import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, Transaction } from '../../src/storage/sql/engine.js';
import { openPostgres } from '../../src/storage/sql/postgres.js';
import { openSqlite } from '../../src/storage/sql/sqlite.js';
import type { Executor } from '../../src/storage/sql/statement.js';
import { startPostgres } from '../support/engines/postgres.js';

interface Opened {
  readonly engine: Engine;
  close(): Promise<void>;
}

const ENGINES: [name: string, open: () => Promise<Opened>][] = [
  [
    'SQLite',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'otp-transactions-'));
      const engine = openSqlite(folder);
      await ask(engine, 'pragma foreign_keys = on');
      return {
        engine,
        close: async () => {
          rmSync(folder, { recursive: true });
        },
      };
    },
  ],
  [
    'PostgreSQL',
    async () => {
      const server = await startPostgres();
      const engine = openPostgres(await server.createDatabase());
      return { engine, close: () => server.stop() };
    },
  ],
];

const texts: string[] = [];
const nameOf = (text: string) =>
  `s${String(texts.includes(text) ? texts.indexOf(text) : texts.push(text) - 1)}`;
const ask = (where: Executor, text: string) => where.execute({ name: nameOf(text), text }, []);
const add = (where: Executor, n: number) => ask(where, `insert into added values (${String(n)})`);
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe.each(ENGINES)('Transactions on %s', (engineName, open) => {
  let opened: Opened;
  let engine: Engine;

  beforeEach(async () => {
    opened = await open();
    ({ engine } = opened);
    await ask(engine, 'create table added (n integer primary key)');
    await ask(
      engine,
      'create table later (n integer references added deferrable initially deferred)',
    );
  });

  afterEach(async () => {
    await engine.close();
    await opened.close();
  });

  const added = async () => {
    const rows = await ask(engine, 'select n from added order by n');
    return rows.map((row) => (row as { n: number }).n);
  };

  const adding =
    (...numbers: number[]) =>
    async (transaction: Transaction) => {
      for (const n of numbers) await add(transaction, n);
    };

  it('keep what was done and undo what failed, of those that are asked for together', async () => {
    const results = await Promise.allSettled([
      engine.transact(adding(1)),
      engine.transact(async (transaction) => {
        await add(transaction, 2);
        throw new Error('given up');
      }),
      engine.transact(adding(3)),
    ]);

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await added()).toEqual([1, 3]);
  });

  it('run what is asked together in its order', async () => {
    const rows = await engine.transact(async (transaction) => {
      const [, read] = await Promise.all([
        add(transaction, 1),
        ask(transaction, 'select n from added'),
      ]);
      return read;
    });

    expect(rows).toEqual([{ n: 1 }]);
  });

  it('show nobody what is not committed', async () => {
    let read: Promise<number[]> | undefined;
    const failing = engine.transact(async (transaction) => {
      await add(transaction, 1);
      read = added();
      throw new Error('given up');
    });

    await expect(failing).rejects.toThrow('given up');
    expect(await read).toEqual([]);
    await engine.transact(adding(2));
    expect(await added()).toEqual([2]);
  });

  it('are told done only with all that they say they did', async () => {
    const swallowing = engine.transact(async (transaction) => {
      await add(transaction, 1);
      await add(transaction, 1).catch(() => undefined);
    });
    const done = await swallowing.then(
      () => true,
      () => false,
    );

    // A failure spoils all of a transaction on PostgreSQL, and one statement on SQLite.
    expect(await added()).toEqual(done ? [1] : []);
  });

  it('let nothing of a failed one reach another', async () => {
    let stray: Promise<unknown> | undefined;
    const straying = async (transaction: Transaction) => {
      await ask(transaction, 'select 1');
      await add(transaction, 1);
      await add(transaction, 2);
      await add(transaction, 3);
    };
    const failing = engine.transact(async (transaction) => {
      await add(transaction, 9);
      stray = straying(transaction);
      stray.catch(() => undefined);
      throw new Error('given up');
    });

    await expect(failing).rejects.toThrow('given up');
    await engine.transact(adding(4));
    await expect(stray).rejects.toThrow('the transaction has ended');
    expect(await added()).toEqual([4]);
  });

  it('commit behind their last statements, and take none after them', async () => {
    await engine.transact(async (transaction) => {
      const writing = Promise.all([add(transaction, 1), add(transaction, 2)]);
      transaction.commitBehind();
      await expect(add(transaction, 3)).rejects.toThrow('the transaction has ended');
      await writing;
    });

    expect(await added()).toEqual([1, 2]);
  });

  it('are undone where a statement fails that the commit was sent behind', async () => {
    const failing = engine.transact(async (transaction) => {
      const writing = Promise.all([add(transaction, 1), add(transaction, 1), add(transaction, 2)]);
      transaction.commitBehind();
      await writing;
    });

    const error = await failing.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    // One process alone meets nobody.
    expect(engine.isConflict(error)).toBe(engineName === 'PostgreSQL');
    expect(await added()).toEqual([]);
    await engine.transact(adding(5));
    expect(await added()).toEqual([5]);
  });

  describe('that need no answer before they commit', () => {
    const addingAtOnce = (n: number) => (transaction: Transaction) => {
      const writing = add(transaction, n);
      transaction.commitBehind();
      return writing;
    };

    it('stand or fall each by itself', async () => {
      const results = await Promise.allSettled(
        [1, 2, 1, 3, 2, 4, 5, 5, 6].map((n) => engine.transact(addingAtOnce(n))),
      );

      const failed = results.flatMap(({ status }, place) => (status === 'rejected' ? [place] : []));
      expect(failed).toEqual([2, 4, 7]);
      expect(await added()).toEqual([1, 2, 3, 4, 5, 6]);
    });

    if (engineName === 'PostgreSQL') {
      it('all hear of it where the connection breaks under one of them', async () => {
        const breaking = (transaction: Transaction) => {
          const asking = ask(transaction, 'select pg_terminate_backend(pg_backend_pid())');
          transaction.commitBehind();
          return asking;
        };
        const results = await Promise.allSettled(
          [addingAtOnce(1), breaking, addingAtOnce(2), addingAtOnce(3)].map((work) =>
            engine.transact<unknown>(work),
          ),
        );

        expect(results.map(({ status }) => status)).toEqual([
          'fulfilled',
          'rejected',
          'rejected',
          'rejected',
        ]);
        await engine.transact(addingAtOnce(4));
        expect(await added()).toEqual([1, 4]);
      });
    }
  });

  it('ask again for what has failed before', async () => {
    const [whole, single] = [
      'insert into added values (1), (1)',
      'insert into added values (2), (2)',
    ];
    for (let time = 0; time < 3; time += 1) {
      const failing = engine.transact((transaction) => ask(transaction, whole));
      await expect(failing).rejects.toThrow(/unique/iu);
      await expect(ask(engine, single)).rejects.toThrow(/unique/iu);
    }
  });

  it('are not told done where the commit fails, nor is anything that shared it', async () => {
    const dangling = engine.transact((transaction) =>
      ask(transaction, 'insert into later values (9)'),
    );
    const sharing = engine.transact(adding(1));
    const [first, second] = await Promise.allSettled([dangling, sharing]);

    expect(first.status).toBe('rejected');
    expect(await added()).toEqual(second.status === 'fulfilled' ? [1] : []);
    await engine.transact(adding(2));
    expect(await added()).toContain(2);
  });

  it('go on while others are being committed', async () => {
    const all = Array.from({ length: 50 }, async (_, n) => {
      if (n % 3 === 0) await turn();
      await engine.transact(adding(2 * n, 2 * n + 1));
    });
    await Promise.all(all);

    expect(await added()).toHaveLength(100);
  });
});
