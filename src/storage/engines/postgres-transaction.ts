import type pg from 'pg';
import { runBatch } from './postgres-batch.js';
import type { BoundStatement, ResultRows, RunBatch } from './statement-batch.js';

const [BEGIN, COMMIT, ROLLBACK] = ['begin', 'commit', 'rollback'].map((text): BoundStatement => ({
  statement: { name: text, text },
  values: [],
})) as [BoundStatement, BoundStatement, BoundStatement];

/** Runs a transaction of several batches on one connection. `begin` is sent with the first batch. */
export async function runTransaction<T>(
  pool: pg.Pool,
  work: (run: RunBatch) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let begun = false;
  let ended = false;
  const run = async (statements: readonly BoundStatement[]): Promise<readonly ResultRows[]> => {
    // Work that failed may go on elsewhere; its statements must not reach the next transaction.
    if (ended) throw new Error('the transaction has ended');
    const before = begun ? [] : [BEGIN];
    begun = true;
    const { rows } = await runBatch(client, [...before, ...statements]);
    return rows.slice(before.length);
  };
  try {
    const result = await work(run);
    ended = true;
    const { command } = await runBatch(client, [COMMIT]);
    // The server rolls back if a statement failed and the work ignored that.
    if (command === 'ROLLBACK') throw new Error('the transaction was not committed');
    client.release();
    return result;
  } catch (error) {
    ended = true;
    await runBatch(client, [ROLLBACK]).then(
      () => {
        client.release();
      },
      // A connection that cannot roll back is closed.
      () => {
        client.release(true);
      },
    );
    throw error;
  }
}
