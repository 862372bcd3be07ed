import type pg from 'pg';
import { runTogether } from './postgres-batch.js';
import type { Asked, Run, Rows } from './statement.js';

const [BEGIN, COMMIT, ROLLBACK] = ['begin', 'commit', 'rollback'].map((text): Asked => ({
  statement: { name: text, text },
  values: [],
})) as [Asked, Asked, Asked];

/** A transaction of several packets, on a connection of its own. `begin` travels with the first. */
export async function transact<T>(pool: pg.Pool, work: (run: Run) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let begun = false;
  let ended = false;
  const run = async (asked: readonly Asked[]): Promise<readonly Rows[]> => {
    // Of what a failed piece of work still does elsewhere, nothing may reach the next transaction.
    if (ended) throw new Error('the transaction has ended');
    const before = begun ? [] : [BEGIN];
    begun = true;
    const { rows } = await runTogether(client, [...before, ...asked]);
    return rows.slice(before.length);
  };
  try {
    const result = await work(run);
    ended = true;
    const { command } = await runTogether(client, [COMMIT]);
    // What the server makes of it where something failed of which the work took no notice.
    if (command === 'ROLLBACK') throw new Error('the transaction was not committed');
    client.release();
    return result;
  } catch (error) {
    ended = true;
    await runTogether(client, [ROLLBACK]).then(
      () => {
        client.release();
      },
      // A connection that cannot even undo is of no use to anybody.
      () => {
        client.release(true);
      },
    );
    throw error;
  }
}
