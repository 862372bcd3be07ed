import { Pool } from 'undici';
import type { Replica } from '../replica.js';

/** An answer of the service; times are the monotonic clock's, in milliseconds. */
export interface TimedResponse {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly startedAt: number;
  readonly durationMs: number;
}

/** Asks one replica, over connections that stay. */
export class PooledClient {
  private readonly pool: Pool;

  constructor({ url }: Replica, connections: number) {
    this.pool = new Pool(url, { connections });
  }

  post(path: string, body: object): Promise<TimedResponse> {
    return this.ask('POST', path, body);
  }

  get(path: string): Promise<TimedResponse> {
    return this.ask('GET', path);
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }

  private async ask(method: 'GET' | 'POST', path: string, body?: object): Promise<TimedResponse> {
    const startedAt = performance.now();
    const response = await this.pool.request({
      method,
      path,
      ...(body && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const text = await response.body.text();
    return {
      status: response.statusCode,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
      startedAt,
      durationMs: performance.now() - startedAt,
    };
  }
}

/** Does `count` pieces of work, so many at the same time. */
export async function runConcurrently(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** The value that a share of them do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
