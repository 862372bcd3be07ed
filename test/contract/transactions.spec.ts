import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Libsql from 'libsql';
import { seconds } from '../../src/common/durations.js';
import type { Engine } from '../../src/storage/engines/database.js';
import { openPostgres } from '../../src/storage/engines/postgres.js';
import { DATABASE_FILE, openSqlite } from '../../src/storage/engines/sqlite.js';
import type { BoundStatement, RunBatch } from '../../src/storage/engines/statement-batch.js';
import { startPostgres } from '../support/services/postgres.js';

interface Opened {
  readonly engine: Engine;
  /** Lets another program write, and hold the whole database meanwhile. @returns what ends that */
  hold?(): () => unknown;
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
        hold: () => {
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

const texts: string[] = [];
const nameOf = (text: string) =>
  `s${String(texts.includes(text) ? texts.indexOf(text) : texts.push(text) - 1)}`;
const asked = (text: string): BoundStatement => ({
  statement: { name: nameOf(text), text },
  values: [],
});
const ask = async (run: RunBatch, text: string) => (await run([asked(text)]))[0] ?? [];
const adding = (n: number) => `insert into added values (${String(n)})`;
const add = (run: RunBatch, n: number) => ask(run, adding(n));
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe.each(ENGINES)('Transactions on %s', (engineName, open) => {
  let opened: Opened;
  let engine: Engine;

  beforeEach(async () => {
    opened = await open();
    ({ engine } = opened);
    await ask(engine.runBatch, 'create table added (n integer primary key)');
    await ask(
      engine.runBatch,
      'create table later (n integer references added deferrable initially deferred)',
    );
  });

  afterEach(async () => {
    await engine.close();
    await opened.close();
  });

  const added = async () => {
    const rows = await ask(engine.runBatch, 'select n from added order by n');
    return rows.map((row) => (row as { n: number }).n);
  };

  const addingEach =
    (...numbers: number[]) =>
    async (run: RunBatch) => {
      for (const n of numbers) await add(run, n);
    };

  it('keep what was done and undo what failed, of those that are asked for together', async () => {
    const results = await Promise.allSettled([
      engine.transaction(addingEach(1)),
      engine.transaction(async (run) => {
        await add(run, 2);
        throw new Error('given up');
      }),
      engine.transaction(addingEach(3)),
    ]);

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await added()).toEqual([1, 3]);
  });

  it('run what is asked together in its order', async () => {
    const together = [asked(adding(1)), asked('select n from added')];
    const rows = await engine.transaction(async (run) => {
      const [, read] = await run(together);
      return read;
    });
    const [, alone] = await engine.runBatch([
      asked(adding(2)),
      asked('select max(n) as n from added'),
    ]);

    expect(rows).toEqual([{ n: 1 }]);
    expect(alone).toEqual([{ n: 2 }]);
  });

  it('show nobody what is not committed', async () => {
    let read: Promise<number[]> | undefined;
    const failing = engine.transaction(async (run) => {
      await add(run, 1);
      read = added();
      throw new Error('given up');
    });

    await expect(failing).rejects.toThrow('given up');
    expect(await read).toEqual([]);
    await engine.transaction(addingEach(2));
    expect(await added()).toEqual([2]);
  });

  it('are told done only with all that they say they did', async () => {
    const swallowing = engine.transaction(async (run) => {
      await add(run, 1);
      await add(run, 1).catch(() => undefined);
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
    const straying = async (run: RunBatch) => {
      await ask(run, 'select 1');
      await add(run, 1);
      await add(run, 2);
      await add(run, 3);
    };
    const failing = engine.transaction(async (run) => {
      await add(run, 9);
      stray = straying(run);
      stray.catch(() => undefined);
      throw new Error('given up');
    });

    await expect(failing).rejects.toThrow('given up');
    await engine.transaction(addingEach(4));
    await expect(stray).rejects.toThrow('the transaction has ended');
    expect(await added()).toEqual([4]);
  });

  it('let nothing of a finished one reach another', async () => {
    let stray: Promise<unknown> | undefined;
    await engine.transaction(async (run) => {
      await add(run, 1);
      stray = turn().then(() => add(run, 2));
      stray.catch(() => undefined);
    });

    await expect(stray).rejects.toThrow('the transaction has ended');
    expect(await added()).toEqual([1]);
  });

  it('are undone where one of the statements fails', async () => {
    const failing = engine.runBatch([adding(1), adding(1), adding(2)].map(asked));

    const error = await failing.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    // One process alone meets nobody.
    expect(engine.isConflict(error)).toBe(engineName === 'PostgreSQL');
    expect(await added()).toEqual([]);
    await add(engine.runBatch, 5);
    expect(await added()).toEqual([5]);
  });

  it('end by the error that the database gives, under its name', async () => {
    const failing = engine.runBatch([asked('select 1 from nowhere')]);

    await expect(failing).rejects.toThrow(/nowhere/);
    await expect(failing).rejects.toHaveProperty(
      'name',
      engineName === 'PostgreSQL' ? 'error' : 'SqliteError',
    );
  });

  describe('of one packet', () => {
    it('stand or fall each by itself', async () => {
      const results = await Promise.allSettled(
        [1, 2, 1, 3, 2, 4, 5, 5, 6].map((n) => add(engine.runBatch, n)),
      );

      const failed = results.flatMap(({ status }, place) => (status === 'rejected' ? [place] : []));
      expect(failed).toEqual([2, 4, 7]);
      expect(await added()).toEqual([1, 2, 3, 4, 5, 6]);
    });

    it('wait for one of several packets that has begun, and see what it did', async () => {
      let begun: (() => void) | undefined;
      const beginning = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const longer = engine.transaction(async (run) => {
        await add(run, 1);
        begun?.();
        for (let i = 0; i < 5; i += 1) await turn();
        await add(run, 2);
      });
      await beginning;
      // The same row: on either engine it cannot be written while the other one may still be undone.
      const waiting = expect(add(engine.runBatch, 1)).rejects.toThrow(/unique/iu);

      await longer;
      await waiting;
      expect(await added()).toEqual([1, 2]);
    });

    if (engineName === 'PostgreSQL') {
      it('all hear of it where the connection breaks under one of them', async () => {
        const results = await Promise.allSettled([
          add(engine.runBatch, 1),
          ask(engine.runBatch, 'select pg_terminate_backend(pg_backend_pid())'),
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
      const failing = engine.transaction((run) => ask(run, whole));
      await expect(failing).rejects.toThrow(/unique/iu);
      await expect(ask(engine.runBatch, single)).rejects.toThrow(/unique/iu);
    }
  });

  it('are not told done where the commit fails, nor is anything that shared it', async () => {
    const dangling = ask(engine.runBatch, 'insert into later values (9)');
    const sharing = add(engine.runBatch, 1);
    const [first, second] = await Promise.allSettled([dangling, sharing]);

    expect(first.status).toBe('rejected');
    expect(await added()).toEqual(second.status === 'fulfilled' ? [1] : []);
    await engine.transaction(addingEach(2));
    expect(await added()).toContain(2);
  });

  it('hold up nothing else while they wait for another program', async () => {
    const letGo = opened.hold?.() ?? (() => add(engine.runBatch, 9));
    // One that has read what was there before could only fail then.
    const reading = [asked('select n from added'), asked(adding(1))];
    const waiting = [engine.runBatch(reading), engine.transaction(addingEach(2))];
    // With the whole process waiting, nobody would come to let go. By then they have begun to wait.
    await delay(100);
    await letGo();

    await Promise.all(waiting);
    expect(await added()).toEqual([1, 2, 9]);
  });

  if (engineName === 'SQLite') {
    it('fail where the database undoes them by itself', async () => {
      const undoing = asked('insert or rollback into added values (1), (1)');
      const together = await Promise.allSettled([
        add(engine.runBatch, 2),
        engine.runBatch([undoing]),
      ]);
      const alone = engine.transaction(async (run) => {
        await add(run, 3);
        await run([undoing]).catch(() => undefined);
        await add(run, 4);
      });

      expect(together.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      await expect(alone).rejects.toThrow('rolled back');
      expect(await added()).toEqual([2]);
    });

    it('fail once the database is closed, and so do those that it leaves undone', async () => {
      const leaving = engine.transaction(async (run) => {
        await add(run, 1);
        await engine.close();
        await add(run, 2);
      });

      await expect(leaving).rejects.toThrow('closed');
      await expect(add(engine.runBatch, 3)).rejects.toThrow('closed');
    });
  }

  it('go on while others are being committed', async () => {
    const all = Array.from({ length: 50 }, async (_, n) => {
      if (n % 3 === 0) await turn();
      await engine.transaction(addingEach(2 * n, 2 * n + 1));
    });
    await Promise.all(all);

    expect(await added()).toHaveLength(100);
  });
});
