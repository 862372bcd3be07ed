import { runBatch } from './postgres-batch.js';
import { ConnectionError } from './postgres-errors.js';
import type { PostgresPool } from './postgres-pool.js';
import { transactionStart } from './postgres-session.js';
import type { BoundStatement, ResultRows, RunBatch } from './statement-batch.js';

const [BEGIN, COMMIT, ROLLBACK] = ['begin', 'commit', 'rollback'].map((text): BoundStatement => ({
  statement: { name: text, text },
  values: [],
})) as [BoundStatement, BoundStatement, BoundStatement];

/** Runs a transaction of several batches on one connection. `begin` is sent with the first batch. */
export async function runTransaction<T>(
  pool: PostgresPool,
  work: (run: RunBatch) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let begun = false;
  let ended = false;
  let connectionError: ConnectionError | undefined;
  const runStatements = (statements: readonly BoundStatement[]) =>
    runBatch(client, statements).catch((error: unknown) => {
      if (error instanceof ConnectionError) connectionError ??= error;
      throw error;
    });
  const run = async (statements: readonly BoundStatement[]): Promise<readonly ResultRows[]> => {
    // After a failure, concurrent parts of `work` may still run: reject their statements.
    if (ended) throw new Error('the transaction has ended');
    const start = begun ? [] : [BEGIN, ...transactionStart(client)];
    begun = true;
    const { rows } = await runStatements([...start, ...statements]);
    return rows.slice(start.length);
  };
  try {
    const result = await work(run);
    ended = true;
    const { command } = await runStatements([COMMIT]);
    // The server rolls back if a statement failed and `work` ignored the error.
    if (command === 'ROLLBACK') throw new Error('the transaction was not committed');
    return result;
  } catch (error) {
    // The server commits nothing before it gets the `commit`.
    const isRolledBack = connectionError !== undefined && !ended;
    ended = true;
    if (isRolledBack) throw new ConnectionError(connectionError, 'rolled_back');
    if (!connectionError) await runStatements([ROLLBACK]).catch(() => undefined);
    throw error;
  } finally {
    pool.release(client, connectionError);
  }
}
