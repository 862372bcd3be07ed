import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chown, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Caretaker } from './caretaker';
import { freePort } from './ports';
import { serverEnvironment, type Recipe } from './recipe';

const PORTS_TO_TRY = 5;
const START_MS = 60_000;
const STOP_MS = 10_000;
const POLL_MS = 10;

/** A server that runs on a port and in a temporary folder of its own. */
export class Engine {
  private server: ChildProcess | undefined;

  private constructor(
    private readonly recipe: Recipe,
    private readonly folder: string,
    private readonly caretaker: Caretaker,
    readonly port: number,
  ) {}

  static async start(recipe: Recipe): Promise<Engine> {
    const folder = await mkdtemp(join(tmpdir(), `otp-service-test-${recipe.name}-`));
    const caretaker = new Caretaker(folder, recipe.stopSignal);
    try {
      if (recipe.user !== undefined) await chown(folder, recipe.user.uid, recipe.user.gid);
      await recipe.prepare(folder);
      for (let attempt = 1; ; attempt += 1) {
        const engine = new Engine(recipe, folder, caretaker, await freePort());
        try {
          await engine.resume();
          return engine;
        } catch (error) {
          if (attempt === PORTS_TO_TRY || !isPortTaken(error)) throw error;
        }
      }
    } catch (error) {
      await caretaker.finish();
      throw error;
    }
  }

  /** Ends the server's process and keeps its folder. */
  async pause(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    if (!hasEnded(server)) await end(server, this.recipe.stopSignal);
    this.caretaker.watch(undefined);
  }

  /** Starts the server on its port, and is done when the server answers. */
  async resume(): Promise<void> {
    if (this.server !== undefined) return;
    const log = join(this.folder, 'log');
    const server = this.spawn(log);
    this.server = server;
    await once(server, 'spawn');
    server.unref();
    this.caretaker.watch(server.pid);

    const deadline = Date.now() + START_MS;
    for (;;) {
      const ended = hasEnded(server);
      const text = await readFile(log, 'utf8');
      if (text.includes(this.recipe.ready)) return;
      if (ended || Date.now() > deadline) {
        await this.pause();
        throw new Error(`${this.recipe.name} did not start on port ${String(this.port)}:\n${text}`);
      }
      await delay(POLL_MS);
    }
  }

  /** Ends the server and deletes its folder. */
  async stop(): Promise<void> {
    await this.pause();
    await this.caretaker.finish();
  }

  private spawn(log: string): ChildProcess {
    const output = openSync(log, 'w');
    try {
      return spawn(this.recipe.command, this.recipe.args(this.folder, this.port), {
        ...this.recipe.user,
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
  const impatience = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
  await exit;
  clearTimeout(impatience);
}

function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null;
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && error.message.includes('Address already in use');
}
