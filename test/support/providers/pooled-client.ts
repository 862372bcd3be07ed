import { Pool } from 'undici';
import type { Replica } from '../replica.js';

/** A response of the service, with times of the monotonic clock in milliseconds. */
export interface TimedResponse {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly startedAt: number;
  readonly durationMs: number;
}

/** Calls one replica over persistent connections. */
export class PooledClient {
  private readonly pool: Pool;

  constructor({ url }: Replica, connections: number) {
    this.pool = new Pool(url, { connections });
  }

  post(path: string, body: object): Promise<TimedResponse> {
    return this.request('POST', path, body);
  }

  get(path: string): Promise<TimedResponse> {
    return this.request('GET', path);
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }

  private async request(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
  ): Promise<TimedResponse> {
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

/** Runs `work` `count` times, up to `concurrency` at the same time. */
export async function runConcurrently(
  count: number,
  concurrency: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** The value below or at which this share (0 to 1) of the values is. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
