import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chown, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ProcessSupervisor } from './process-supervisor';
import { freePort } from './ports';
import { serverEnvironment, type ServiceSpec } from './service-spec';

const MAX_PORT_ATTEMPTS = 5;
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 10;

/** A server process with its own port and temporary folder. */
export class ServiceProcess {
  private server: ChildProcess | undefined;

  private constructor(
    private readonly spec: ServiceSpec,
    readonly folder: string,
    private readonly supervisor: ProcessSupervisor,
    readonly port: number,
  ) {}

  static async start(spec: ServiceSpec): Promise<ServiceProcess> {
    const folder = await mkdtemp(join(tmpdir(), `otp-service-test-${spec.name}-`));
    const supervisor = new ProcessSupervisor(folder, spec.stopSignal);
    try {
      if (spec.user !== undefined) await chown(folder, spec.user.uid, spec.user.gid);
      await spec.prepare(folder);
      for (let attempt = 1; ; attempt += 1) {
        const service = new ServiceProcess(spec, folder, supervisor, await freePort());
        try {
          await service.restart();
          return service;
        } catch (error) {
          if (attempt === MAX_PORT_ATTEMPTS || !isPortTaken(error)) throw error;
        }
      }
    } catch (error) {
      await supervisor.finish();
      throw error;
    }
  }

  /** Ends the process; keeps its folder. */
  async shutDown(signal: NodeJS.Signals = this.spec.stopSignal): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    if (!hasEnded(server)) await end(server, signal);
    this.supervisor.watch(undefined);
  }

  /** Starts the process on its port and waits until it is ready. */
  async restart(): Promise<void> {
    if (this.server !== undefined) return;
    const log = join(this.folder, 'log');
    const server = this.spawn(log);
    this.server = server;
    await once(server, 'spawn');
    server.unref();
    this.supervisor.watch(server.pid);

    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const ended = hasEnded(server);
      const text = await readFile(log, 'utf8');
      if (text.search(this.spec.ready) >= 0) return;
      if (ended || Date.now() > deadline) {
        await this.shutDown();
        const end = ended ? 'ended' : `was not ready within ${String(START_TIMEOUT_MS)} ms`;
        throw new Error(`${this.spec.name} on port ${String(this.port)} ${end}. Its log:\n${text}`);
      }
      await delay(POLL_MS);
    }
  }

  /** Ends the server and deletes its folder. */
  async stop(): Promise<void> {
    await this.shutDown();
    await this.supervisor.finish();
  }

  private spawn(log: string): ChildProcess {
    const output = openSync(log, 'w');
    try {
      return spawn(this.spec.command, this.spec.args(this.folder, this.port), {
        ...this.spec.user,
        cwd: this.folder,
        env: serverEnvironment(),
        stdio: ['ignore', output, output],
      });
    } finally {
      closeSync(output);
    }
  }
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  server.ref();
  const exit = once(server, 'exit');
  server.kill(signal);
  const timer = setTimeout(() => server.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exit;
  clearTimeout(timer);
}

function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null;
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && /address already in use/i.test(error.message);
}
