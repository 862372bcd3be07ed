import { setTimeout as delay } from 'node:timers/promises';

const PROBE_INTERVAL_MS = 50;

/** Sends each request to one ready replica in turn, and never retries it on another. */
export class LoadBalancer {
  private readonly ready = new Set<string>();
  private readonly replicas = new Set<string>();
  private turn = 0;

  /** Adds a replica and starts to probe it. */
  add(url: string): void {
    this.replicas.add(url);
    void this.probe(url);
  }

  remove(url: string): void {
    this.replicas.delete(url);
    this.ready.delete(url);
  }

  /** Whether this replica gets requests. */
  uses(url: string): boolean {
    return this.ready.has(url);
  }

  /** Sends a request to the next ready replica. @throws TypeError if the replica drops it */
  async post(
    path: string,
    body: object,
  ): Promise<{ status: number; body: ResponseBody; url: string }> {
    const ready = [...this.ready];
    const url = ready[(this.turn += 1) % ready.length];
    if (url === undefined) throw new Error('No replica is ready.');
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as ResponseBody, url };
  }

  private async probe(url: string): Promise<void> {
    while (this.replicas.has(url)) {
      const ready = await fetch(`${url}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (ready && this.replicas.has(url)) this.ready.add(url);
      else this.ready.delete(url);
      await delay(PROBE_INTERVAL_MS);
    }
  }
}

interface ResponseBody {
  readonly pinId?: string;
  readonly verified?: boolean;
  readonly code?: string;
}
