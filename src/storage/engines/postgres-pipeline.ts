import type pg from 'pg';
import { runPipeline, type SqlBatch } from './postgres-batch.js';
import type { BoundStatement, ResultRows } from './statement-batch.js';

/** Batches of one write commit one after the other, and the last one waits for all. */
const BATCHES_PER_WRITE = 8;

/**
 * Sends the batches of one turn of the event loop together; each is a transaction of its own. A
 * write to a socket costs more than its bytes: a verify takes a fifth to a third less CPU (measured).
 */
export class PostgresPipeline {
  private waiting: SqlBatch[] = [];

  constructor(private readonly pool: pg.Pool) {}

  run(statements: readonly BoundStatement[]): Promise<readonly ResultRows[]> {
    return new Promise((resolve, reject) => {
      const batch: SqlBatch = {
        statements,
        resolve: ({ rows }) => {
          resolve(rows);
        },
        reject,
      };
      if (this.waiting.push(batch) > 1) return;
      setImmediate(() => {
        this.flush();
      });
    });
  }

  private flush(): void {
    const batches = this.waiting;
    this.waiting = [];
    for (let start = 0; start < batches.length; start += BATCHES_PER_WRITE) {
      void this.send(batches.slice(start, start + BATCHES_PER_WRITE));
    }
  }

  private async send(batches: readonly SqlBatch[]): Promise<void> {
    try {
      const client = await this.pool.connect();
      await runPipeline(client, batches);
      client.release();
    } catch (error) {
      for (const { reject } of batches) reject(error as Error);
    }
  }
}
