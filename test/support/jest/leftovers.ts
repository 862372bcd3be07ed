import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { SUPERVISOR_SCRIPT } from '../services/process-supervisor';
import { shared } from './global-setup';

/** The servers, processes and threads that a spec file starts: each one left open keeps jest alive. */
export class Leftovers {
  private readonly servers = new Set<Server>();
  private readonly processes = new Set<ChildProcess>();
  private readonly threads = new Set<Worker>();

  private readonly channels: [name: string, onMessage: (message: unknown) => void][] = [
    ['tracing:net.server.listen:asyncStart', recordIn(this.servers, 'server')],
    ['child_process', recordIn(this.processes, 'process')],
    ['worker_threads', recordIn(this.threads, 'worker')],
  ];

  watch(): void {
    for (const [name, onMessage] of this.channels) subscribe(name, onMessage);
  }

  /** Closes what is still open. */
  async close(): Promise<void> {
    for (const [name, onMessage] of this.channels) unsubscribe(name, onMessage);
    for (const server of this.servers) {
      if (server instanceof HttpServer) server.closeAllConnections();
      server.close();
    }
    for (const { exitCode, signalCode, pid, stdin, spawnargs } of this.processes) {
      if (exitCode !== null || signalCode !== null || pid === undefined) continue;
      // A supervisor cleans up when its input closes.
      if (spawnargs.includes(SUPERVISOR_SCRIPT)) stdin?.destroy();
      else killGroup(pid);
    }
    await Promise.all([...this.threads].map((thread) => thread.terminate()));
  }
}

/**
 * Records what this process opens, except by starting a service that all spec files share. With a
 * single worker, this process starts those services too.
 */
function recordIn<T>(set: Set<T>, field: string) {
  return (message: unknown) => {
    const opened = (message as Record<string, T>)[field];
    if (opened !== undefined && shared.serviceBroker?.isStarting !== true) set.add(opened);
  };
}

/** Kills the process, with its group if it leads one. */
function killGroup(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
      return;
    } catch {
      // The process leads no group, or it has ended.
    }
  }
}
