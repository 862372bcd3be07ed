import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Libsql from 'libsql';
import { seconds } from '../../src/common/durations.js';
import type { DatabaseEngine } from '../../src/storage/engines/database.js';
import { openPostgres } from '../../src/storage/engines/postgres.js';
import { DATABASE_FILE, openSqlite } from '../../src/storage/engines/sqlite.js';
import type { BoundStatement, RunBatch } from '../../src/storage/engines/statement-batch.js';
import { startPostgres } from '../support/services/postgres.js';

interface Opened {
  readonly engine: DatabaseEngine;
  /** Locks the whole database from another program. @returns a function that commits and unlocks */
  lock?(): () => unknown;
  close(): Promise<void>;
}

const ENGINES: [name: string, open: () => Promise<Opened>][] = [
  [
    'SQLite',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'otp-transactions-'));
      const engine = openSqlite(folder);
      return {
        engine,
        lock: () => {
          const other = new Libsql(join(folder, DATABASE_FILE));
          other.exec('begin immediate');
          other.exec('insert into added values (9)');
          return () => {
            other.exec('commit');
            other.close();
          };
        },
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
      const engine = openPostgres(await server.createDatabase(), seconds(5));
      return { engine, close: () => server.stop() };
    },
  ],
];

/** The place of a text in this list makes its name, as a prepared statement needs one name per text. */
const statementTexts: string[] = [];
const nameOf = (text: string) => {
  if (!statementTexts.includes(text)) statementTexts.push(text);
  return `s${String(statementTexts.indexOf(text))}`;
};
const boundStatement = (text: string): BoundStatement => ({
  statement: { name: nameOf(text), text },
  values: [],
});
const query = async (run: RunBatch, text: string) => (await run([boundStatement(text)]))[0] ?? [];
const insertOf = (n: number) => `insert into added values (${String(n)})`;
const add = (run: RunBatch, n: number) => query(run, insertOf(n));
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe.each(ENGINES)('Transactions on %s', (engineName, open) => {
  let opened: Opened;
  let engine: DatabaseEngine;

  beforeEach(async () => {
    opened = await open();
    ({ engine } = opened);
    await query(engine.runBatch, 'create table added (n integer primary key)');
    await query(
      engine.runBatch,
      'create table later (n integer references added deferrable initially deferred)',
    );
  });

  afterEach(async () => {
    await engine.close();
    await opened.close();
  });

  const readAdded = async () => {
    const rows = await query(engine.runBatch, 'select n from added order by n');
    return rows.map((row) => (row as { n: number }).n);
  };

  const addEach =
    (...numbers: number[]) =>
    async (run: RunBatch) => {
      for (const n of numbers) await add(run, n);
    };

  it('commits the transactions that succeed and rolls back the one that fails, when they run together', async () => {
    const results = await Promise.allSettled([
      engine.transaction(addEach(1)),
      engine.transaction(async (run) => {
        await add(run, 2);
        throw new Error('failed by the test');
      }),
      engine.transaction(addEach(3)),
    ]);

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await readAdded()).toEqual([1, 3]);
  });

  it('runs the statements of a batch in their order', async () => {
    const together = [boundStatement(insertOf(1)), boundStatement('select n from added')];
    const rows = await engine.transaction(async (run) => {
      const [, read] = await run(together);
      return read;
    });
    const [, alone] = await engine.runBatch([
      boundStatement(insertOf(2)),
      boundStatement('select max(n) as n from added'),
    ]);

    expect(rows).toEqual([{ n: 1 }]);
    expect(alone).toEqual([{ n: 2 }]);
  });

  it('reads a bound value as it was: null, a number, or a text of any length and script', async () => {
    const values = [
      null,
      '',
      'Zoë 李 😀',
      `it's "5\\5"`,
      'x'.repeat(70_000),
      -5,
      1_800_000_000_000,
    ];
    const placeholder = engineName === 'SQLite' ? '?' : '$';
    const columns = values.map((value, index) => {
      const type = typeof value === 'number' ? 'bigint' : 'text';
      return `cast(${placeholder}${String(index + 1)} as ${type}) as value${String(index)}`;
    });
    const statement = boundStatement(`select ${columns.join(', ')}`);
    const [rows] = await engine.runBatch([{ ...statement, values }]);

    expect(Object.values(rows?.[0] as object)).toEqual(values);
  });

  it('does not show uncommitted rows to others', async () => {
    let read: Promise<number[]> | undefined;
    const failing = engine.transaction(async (run) => {
      await add(run, 1);
      read = readAdded();
      throw new Error('failed by the test');
    });

    await expect(failing).rejects.toThrow('failed by the test');
    expect(await read).toEqual([]);
    await engine.transaction(addEach(2));
    expect(await readAdded()).toEqual([2]);
  });

  it('reports success only when every statement took effect', async () => {
    const swallowing = engine.transaction(async (run) => {
      await add(run, 1);
      await add(run, 1).catch(() => undefined);
    });
    const done = await swallowing.then(
      () => true,
      () => false,
    );

    // A failed statement aborts the whole transaction on PostgreSQL, and only itself on SQLite.
    expect(await readAdded()).toEqual(done ? [1] : []);
  });

  it('rejects statements of a failed transaction that come late', async () => {
    let late: Promise<unknown> | undefined;
    const runLate = async (run: RunBatch) => {
      await query(run, 'select 1');
      await add(run, 1);
      await add(run, 2);
      await add(run, 3);
    };
    const failing = engine.transaction(async (run) => {
      await add(run, 9);
      late = runLate(run);
      late.catch(() => undefined);
      throw new Error('failed by the test');
    });

    await expect(failing).rejects.toThrow('failed by the test');
    await engine.transaction(addEach(4));
    await expect(late).rejects.toThrow('the transaction has ended');
    expect(await readAdded()).toEqual([4]);
  });

  it('rejects statements of a finished transaction that come late', async () => {
    let late: Promise<unknown> | undefined;
    await engine.transaction(async (run) => {
      await add(run, 1);
      late = nextTurn().then(() => add(run, 2));
      late.catch(() => undefined);
    });

    await expect(late).rejects.toThrow('the transaction has ended');
    expect(await readAdded()).toEqual([1]);
  });

  it('rolls back a batch when one of its statements fails', async () => {
    const failing = engine.runBatch([insertOf(1), insertOf(1), insertOf(2)].map(boundStatement));

    const error = await failing.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    // Another connection can have caused the conflict, except on SQLite, which has only one.
    expect(engine.failureOf(error)).toBe(engineName === 'PostgreSQL' ? 'repeatable' : 'permanent');
    expect(await readAdded()).toEqual([]);
    await add(engine.runBatch, 5);
    expect(await readAdded()).toEqual([5]);
  });

  it('fails with the message and the name of the error of the database', async () => {
    const failing = engine.runBatch([boundStatement('select 1 from nowhere')]);

    await expect(failing).rejects.toThrow(/nowhere/);
    await expect(failing).rejects.toHaveProperty(
      'name',
      engineName === 'PostgreSQL' ? 'error' : 'SqliteError',
    );
  });

  describe('with statements sent together', () => {
    it('commits or fails each statement alone', async () => {
      const results = await Promise.allSettled(
        [1, 2, 1, 3, 2, 4, 5, 5, 6].map((n) => add(engine.runBatch, n)),
      );

      const failed = results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []));
      expect(failed).toEqual([2, 4, 7]);
      expect(await readAdded()).toEqual([1, 2, 3, 4, 5, 6]);
    });

    it('waits for a transaction that has begun, and sees its rows', async () => {
      let signalStarted: (() => void) | undefined;
      const started = new Promise<void>((resolve) => {
        signalStarted = resolve;
      });
      const longer = engine.transaction(async (run) => {
        await add(run, 1);
        signalStarted?.();
        for (let i = 0; i < 5; i += 1) await nextTurn();
        await add(run, 2);
      });
      await started;
      // Writing the same row waits until the first transaction has ended, on either engine.
      const waiting = expect(add(engine.runBatch, 1)).rejects.toThrow(/unique/iu);

      await longer;
      await waiting;
      expect(await readAdded()).toEqual([1, 2]);
    });

    if (engineName === 'PostgreSQL') {
      it('fails all that are not committed when the connection breaks', async () => {
        const results = await Promise.allSettled([
          add(engine.runBatch, 1),
          query(engine.runBatch, 'select pg_terminate_backend(pg_backend_pid())'),
          add(engine.runBatch, 2),
          add(engine.runBatch, 3),
        ]);

        expect(results.map(({ status }) => status)).toEqual([
          'fulfilled',
          'rejected',
          'rejected',
          'rejected',
        ]);
        await add(engine.runBatch, 4);
        expect(await readAdded()).toEqual([1, 4]);
      });
    }
  });

  it('can run a statement again that failed before', async () => {
    const [inTransaction, inBatch] = [
      'insert into added values (1), (1)',
      'insert into added values (2), (2)',
    ];
    for (let time = 0; time < 3; time += 1) {
      const failing = engine.transaction((run) => query(run, inTransaction));
      await expect(failing).rejects.toThrow(/unique/iu);
      await expect(query(engine.runBatch, inBatch)).rejects.toThrow(/unique/iu);
    }
  });

  it('fails when the commit fails, with everything that shared the commit', async () => {
    const dangling = query(engine.runBatch, 'insert into later values (9)');
    const sharing = add(engine.runBatch, 1);
    const [first, second] = await Promise.allSettled([dangling, sharing]);

    expect(first.status).toBe('rejected');
    expect(await readAdded()).toEqual(second.status === 'fulfilled' ? [1] : []);
    await engine.transaction(addEach(2));
    expect(await readAdded()).toContain(2);
  });

  it('does not block the process while it waits for the lock of another program', async () => {
    const unlock = opened.lock?.() ?? (() => add(engine.runBatch, 9));
    // A transaction that had read before the lock could only fail.
    const reading = [boundStatement('select n from added'), boundStatement(insertOf(1))];
    const waiting = [engine.runBatch(reading), engine.transaction(addEach(2))];
    // Both wait by now. If they blocked the process, the next line would never run.
    await delay(100);
    await unlock();

    await Promise.all(waiting);
    expect(await readAdded()).toEqual([1, 2, 9]);
  });

  if (engineName === 'SQLite') {
    it('fails when the database itself rolls back the transaction', async () => {
      const rollingBack = boundStatement('insert or rollback into added values (1), (1)');
      const together = await Promise.allSettled([
        add(engine.runBatch, 2),
        engine.runBatch([rollingBack]),
      ]);
      const alone = engine.transaction(async (run) => {
        await add(run, 3);
        await run([rollingBack]).catch(() => undefined);
        await add(run, 4);
      });

      expect(together.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      await expect(alone).rejects.toThrow('rolled back');
      expect(await readAdded()).toEqual([2]);
    });

    it('fails once the database is closed, even in the middle of a transaction', async () => {
      const interrupted = engine.transaction(async (run) => {
        await add(run, 1);
        await engine.close();
        await add(run, 2);
      });

      await expect(interrupted).rejects.toThrow('closed');
      await expect(add(engine.runBatch, 3)).rejects.toThrow('closed');
    });
  }

  it('accepts transactions while others are being committed', async () => {
    const all = Array.from({ length: 50 }, async (_, n) => {
      if (n % 3 === 0) await nextTurn();
      await engine.transaction(addEach(2 * n, 2 * n + 1));
    });
    await Promise.all(all);

    expect(await readAdded()).toHaveLength(100);
  });
});
