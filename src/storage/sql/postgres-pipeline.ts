import type pg from 'pg';
import { runInTurn, type Batch } from './postgres-batch.js';
import type { Asked, Rows } from './statement.js';

/** They commit one after the other, and the last one waits for all. */
const PACKET_SIZE = 8;

/**
 * Transactions that need no answer before they commit. Writing to a socket costs more than what is
 * written: so those that one turn of the event loop asks for share packets. Each stands or falls by
 * itself all the same.
 */
export class PostgresPipeline {
  private waiting: Batch[] = [];

  constructor(private readonly pool: pg.Pool) {}

  run(asked: readonly Asked[]): Promise<readonly Rows[]> {
    return new Promise((resolve, reject) => {
      const batch: Batch = {
        asked,
        resolve: ({ rows }) => {
          resolve(rows);
        },
        reject,
      };
      if (this.waiting.push(batch) > 1) return;
      setImmediate(() => {
        this.leave();
      });
    });
  }

  private leave(): void {
    const batches = this.waiting;
    this.waiting = [];
    for (let start = 0; start < batches.length; start += PACKET_SIZE) {
      void this.send(batches.slice(start, start + PACKET_SIZE));
    }
  }

  private async send(batches: readonly Batch[]): Promise<void> {
    try {
      const client = await this.pool.connect();
      await runInTurn(client, batches);
      client.release();
    } catch (error) {
      for (const { reject } of batches) reject(error as Error);
    }
  }
}
