import type pg from 'pg';
import type { Transaction } from './engine.js';
import type { Statement } from './statement.js';

/** Runs a statement where the server parses and plans it once a connection. */
export async function asked(
  where: pg.Pool | pg.PoolClient,
  { name, text }: Statement,
  values: readonly unknown[],
): Promise<readonly unknown[]> {
  const { rows } = await where.query<object>({ name, text, values: values as unknown[] });
  return rows;
}

/**
 * A transaction whose statements travel together: what is asked in one turn leaves in one packet,
 * `begin` with the first statement and `commit` with the last, and the answers come in that order.
 * What is sent behind a statement that fails is refused by the server. Were `begin` itself to fail,
 * what came with it would take effect, unanswered: each statement must then leave a count too high,
 * never too low, as after a crash.
 */
export class PostgresTransaction implements Transaction {
  private readonly begun: Promise<unknown>;
  private committed: Promise<pg.QueryResult> | undefined;
  private ended = false;
  private corked = false;

  /** Runs `work` on a connection and gives it back to its pool. */
  static async run<T>(
    client: pg.PoolClient,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const transaction = new PostgresTransaction(client);
    try {
      const result = await work(transaction);
      await transaction.commit();
      client.release();
      return result;
    } catch (error) {
      // A connection that cannot even undo is of no use to anybody.
      client.release(!(await transaction.undone()));
      throw error;
    }
  }

  private constructor(private readonly client: pg.PoolClient) {
    this.begun = this.ask('begin');
  }

  async execute(statement: Statement, values: readonly unknown[]): Promise<readonly unknown[]> {
    // Of what a failed piece of work still does elsewhere, nothing may reach the next transaction.
    if (this.ended) throw new Error('the transaction has ended');
    this.gather();
    return asked(this.client, statement, values);
  }

  commitBehind(): void {
    this.ended = true;
    this.committed = this.ask('commit');
  }

  private async commit(): Promise<void> {
    this.ended = true;
    this.committed ??= this.ask('commit');
    await this.begun;
    const { command } = await this.committed;
    // What the server says to a transaction in which something failed.
    if (command !== 'COMMIT') throw new Error('the transaction was not committed');
  }

  /** @returns whether the connection is out of the transaction. */
  private async undone(): Promise<boolean> {
    this.ended = true;
    const answer = this.committed ?? this.ask('rollback');
    return answer.then(
      () => true,
      () => false,
    );
  }

  private ask(text: string): Promise<pg.QueryResult> {
    this.gather();
    const answer = this.client.query(text);
    // It is waited for later, if nothing fails before.
    answer.catch(() => undefined);
    return answer;
  }

  /** Holds back what is written until this turn has asked for all that it wants. */
  private gather(): void {
    if (this.corked) return;
    const { stream } = this.client.connection;
    this.corked = true;
    stream.cork();
    process.nextTick(() => {
      this.corked = false;
      stream.uncork();
    });
  }
}
