import type pg from 'pg';
import type { Transaction } from './engine.js';
import { runTogether, type Asked } from './postgres-batch.js';
import type { PostgresPipeline } from './postgres-pipeline.js';
import type { Statement } from './statement.js';

type Answers = ReturnType<typeof runTogether>;

const [BEGIN, COMMIT, ROLLBACK] = ['begin', 'commit', 'rollback'].map((text): Asked => ({
  statement: { name: text, text },
  values: [],
})) as [Asked, Asked, Asked];

/**
 * A transaction whose statements travel together: what is asked in one turn leaves in one packet,
 * `begin` before the first statement and `commit` behind the last. Where all of it leaves in one
 * packet it needs neither, and shares one with others.
 */
export class PostgresTransaction implements Transaction {
  private state: 'open' | 'committing' | 'undoing' = 'open';
  /** Its own from `begin` on. */
  private client: Promise<pg.PoolClient> | undefined;
  /** What was asked for in this turn, and what will be answered. */
  private gathered: Asked[] = [];
  private answers: Answers | undefined;
  private commit: Answers | undefined;

  static async run<T>(
    pool: pg.Pool,
    pipeline: PostgresPipeline,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const transaction = new PostgresTransaction(pool, pipeline);
    try {
      const result = await work(transaction);
      await transaction.committed();
      return result;
    } catch (error) {
      await transaction.undone();
      throw error;
    }
  }

  private constructor(
    private readonly pool: pg.Pool,
    private readonly pipeline: PostgresPipeline,
  ) {}

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
    (await this.client)?.release();
  }

  private async undone(): Promise<void> {
    this.state = 'undoing';
    const client = await this.client?.catch(() => undefined);
    if (!client) return;
    await runTogether(client, [ROLLBACK]).then(
      () => {
        client.release();
      },
      // A connection that cannot even undo is of no use to anybody.
      () => {
        client.release(true);
      },
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
    const begins = !this.client;
    if (ends && begins) return this.pipeline.run(asked);
    this.client ??= this.pool.connect();
    const answers = await runTogether(await this.client, [
      ...(begins ? [BEGIN] : []),
      ...asked,
      ...(ends ? [COMMIT] : []),
    ]);
    return begins ? answers.slice(1) : answers;
  }
}
