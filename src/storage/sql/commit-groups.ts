import type Libsql from 'libsql';
import type { Transaction } from './engine.js';
import type { Statement } from './statement.js';

/** A transaction that waits for its group. */
interface Member {
  readonly work: (transaction: Transaction) => Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Transactions on one SQLite connection. A commit waits for the disk, and costs more than all that
 * it commits: so the transactions that one turn of the event loop asks for share one, each in a
 * savepoint of its own. Nobody hears of a result before the commit; if it fails, all have failed.
 */
export class CommitGroups {
  private readonly prepared = new Map<string, Libsql.Statement>();
  private waiting: Member[] = [];
  private busy = false;

  constructor(private readonly database: Libsql.Database) {}

  /** A statement by itself sees nothing of a group that is not committed. */
  async execute(statement: Statement, values: readonly unknown[]): Promise<readonly unknown[]> {
    if (this.busy) return this.transact((transaction) => transaction.execute(statement, values));
    return this.run(statement.text, values);
  }

  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.waiting.length === 0 && !this.busy) this.schedule();
      this.waiting.push({ work, resolve: resolve as Member['resolve'], reject });
    });
  }

  private schedule(): void {
    setImmediate(() => void this.commitWaiting());
  }

  private async commitWaiting(): Promise<void> {
    const group = this.waiting;
    this.waiting = [];
    this.busy = true;
    try {
      const outcomes = await this.commit(group);
      outcomes.forEach((tell) => {
        tell();
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      this.busy = false;
      if (this.waiting.length > 0) this.schedule();
    }
  }

  /** @returns what tells each member its result. */
  private async commit(group: readonly Member[]): Promise<(() => void)[]> {
    // A deferred transaction that reads first cannot wait for the write lock later, only fail.
    this.run('begin immediate');
    try {
      const outcomes: (() => void)[] = [];
      for (const member of group) outcomes.push(await this.attempt(member));
      this.run('commit');
      return outcomes;
    } catch (error) {
      // SQLite itself undoes everything after some failures, such as a full disk.
      if (this.database.inTransaction) this.run('rollback');
      throw error;
    }
  }

  private async attempt({ work, resolve, reject }: Member): Promise<() => void> {
    this.run('savepoint member');
    let ended = false;
    const transaction: Transaction = {
      execute: async ({ text }, values) => {
        // Of what a failed piece of work still does elsewhere, nothing may reach the next member.
        if (ended) throw new Error('the transaction has ended');
        return this.run(text, values);
      },
      commitBehind: () => {
        ended = true;
      },
    };
    try {
      const result = await work(transaction);
      ended = true;
      this.run('release member');
      return () => {
        resolve(result);
      };
    } catch (error) {
      ended = true;
      this.run('rollback to member');
      this.run('release member');
      return () => {
        reject(error);
      };
    }
  }

  private run(text: string, values: readonly unknown[] = []): readonly unknown[] {
    let statement = this.prepared.get(text);
    if (!statement) {
      statement = this.database.prepare(text);
      this.prepared.set(text, statement);
    }
    if (statement.reader) return statement.all(values);
    statement.run(values);
    return [];
  }
}
