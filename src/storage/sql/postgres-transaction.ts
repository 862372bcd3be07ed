import type pg from 'pg';
import type { Transaction } from './engine.js';
import { runTogether, type Asked } from './postgres-batch.js';
import type { Statement } from './statement.js';

type Answers = ReturnType<typeof runTogether>;

const [BEGIN, COMMIT, ROLLBACK] = ['begin', 'commit', 'rollback'].map((text): Asked => ({
  statement: { name: text, text },
  values: [],
})) as [Asked, Asked, Asked];

/**
 * A transaction whose statements travel together: what is asked in one turn leaves in one packet,
 * `begin` before the first statement and `commit` behind the last. Where all of it leaves in one
 * packet it needs neither.
 */
export class PostgresTransaction implements Transaction {
  private state: 'open' | 'committing' | 'undoing' = 'open';
  private begun = false;
  /** What was asked for in this turn, and what will be answered. */
  private gathered: Asked[] = [];
  private answers: Answers | undefined;
  private commit: Answers | undefined;

  /** Runs `work` on a connection and gives it back to its pool. */
  static async run<T>(
    client: pg.PoolClient,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const transaction = new PostgresTransaction(client);
    try {
      const result = await work(transaction);
      await transaction.committed();
      client.release();
      return result;
    } catch (error) {
      // A connection that cannot even undo is of no use to anybody.
      client.release(!(await transaction.undone()));
      throw error;
    }
  }

  private constructor(private readonly client: pg.PoolClient) {}

  async execute(statement: Statement, values: readonly unknown[]): Promise<readonly unknown[]> {
    // Of what a failed piece of work still does elsewhere, nothing may reach the next transaction.
    if (this.state !== 'open') throw new Error('the transaction has ended');
    const place = this.gathered.push({ statement, values }) - 1;
    const answers = await this.gather();
    return answers[place]?.rows ?? [];
  }

  commitBehind(): void {
    this.state = 'committing';
    this.commit = this.gather();
  }

  private async committed(): Promise<void> {
    if (!this.commit) this.commitBehind();
    const answers = await this.commit;
    // What the server makes of it where something failed of which the work took no notice.
    if (answers?.at(-1)?.command === 'ROLLBACK') {
      throw new Error('the transaction was not committed');
    }
  }

  /** @returns whether the connection is out of the transaction. */
  private async undone(): Promise<boolean> {
    this.state = 'undoing';
    if (!this.begun) return true;
    return runTogether(this.client, [ROLLBACK]).then(
      () => true,
      () => false,
    );
  }

  /** Waits until this turn has asked for all that it wants. */
  private gather(): Answers {
    if (!this.answers) {
      this.answers = new Promise<void>((resolve) => {
        process.nextTick(resolve);
      }).then(() => this.send());
      // Whoever asked for a statement hears of it; nobody may wait for the commit.
      this.answers.catch(() => undefined);
    }
    return this.answers;
  }

  private async send(): Answers {
    const asked = this.gathered;
    this.gathered = [];
    this.answers = undefined;
    if (this.state === 'undoing') throw new Error('the transaction has ended');
    const ends = this.state === 'committing';
    if (ends && !this.begun) return runTogether(this.client, asked);
    const begins = !this.begun;
    this.begun = true;
    const answers = await runTogether(this.client, [
      ...(begins ? [BEGIN] : []),
      ...asked,
      ...(ends ? [COMMIT] : []),
    ]);
    return begins ? answers.slice(1) : answers;
  }
}
