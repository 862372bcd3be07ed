import { setTimeout as delay } from 'node:timers/promises';

const PROBE_EVERY_MS = 50;

/** Gives each request to one of the replicas that are ready, and never gives it to a second one. */
export class LoadBalancer {
  private readonly ready = new Set<string>();
  private readonly probed = new Set<string>();
  private turn = 0;

  /** Begins to probe a replica. */
  add(url: string): void {
    this.probed.add(url);
    void this.probe(url);
  }

  remove(url: string): void {
    this.probed.delete(url);
    this.ready.delete(url);
  }

  /** Whether requests are given to this replica. */
  uses(url: string): boolean {
    return this.ready.has(url);
  }

  /** @throws TypeError if the replica drops the request. */
  async post(path: string, body: object): Promise<{ status: number; body: Answer; url: string }> {
    const replicas = [...this.ready];
    const url = replicas[(this.turn += 1) % replicas.length];
    if (url === undefined) throw new Error('no replica is ready');
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Answer, url };
  }

  private async probe(url: string): Promise<void> {
    while (this.probed.has(url)) {
      const ready = await fetch(`${url}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (ready && this.probed.has(url)) this.ready.add(url);
      else this.ready.delete(url);
      await delay(PROBE_EVERY_MS);
    }
  }
}

interface Answer {
  readonly pinId?: string;
  readonly verified?: boolean;
  readonly code?: string;
}
