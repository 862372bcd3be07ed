import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Agent } from 'supertest';
import { openApiValidatedAgent } from './openapi-validated-agent.js';
import { freePort } from './services/ports.js';
import { scaleTimeLimit } from './time-scale.js';

/** The built service as a process of its own. */
export interface Replica {
  readonly url: string;
  readonly http: Agent;
  readonly pid: number | undefined;
  /** Everything that the replica has logged so far. */
  readonly output: string;
  /** Kills the replica at once, like a crash (SIGKILL). */
  kill(): Promise<void>;
  /** Stops the replica gracefully, as an operator does (SIGTERM). */
  stop(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the exit code; `null` if a signal killed the replica. */
  ended(): Promise<number | null>;
}

/** The build of `npm run build:test`. Its folder is beside node_modules, so that imports resolve. */
const BUILD = resolve('.test-build');

const START_TIMEOUT_MS = scaleTimeLimit(20_000);

/**
 * Starts a replica with these settings and waits until it responds.
 * @param options.preload the URL of a module that the replica loads first
 * @param options.build the folder of another build
 * @param options.stdout a file descriptor for the log, which is then not in `output`
 */
export async function startReplica(
  settings: NodeJS.ProcessEnv,
  options: { preload?: string; build?: string; stdout?: number } = {},
): Promise<Replica> {
  const port = String(await freePort());
  const preload = options.preload === undefined ? [] : ['--import', options.preload];
  const { PATH } = process.env;
  const child = spawn(process.execPath, [...preload, join(options.build ?? BUILD, 'main.js')], {
    env: {
      PATH,
      PORT: port,
      OTP_SECRET: 'a master secret that only tests know of',
      THROTTLE_SEND_LIMIT: '1000000',
      THROTTLE_VERIFY_LIMIT: '1000000',
      // Not reached: load on one number prefix would look like SMS pumping.
      PUMPING_FLOOR_PER_HOUR: '1000000',
      PUMPING_FLOOR_PER_DAY: '1000000',
      ...settings,
    },
    stdio: ['ignore', options.stdout ?? 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  let output = '';
  [child.stdout, child.stderr].forEach((stream) => {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isResponding(url))) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (hasEnded || Date.now() > deadline) {
      child.kill('SIGKILL');
      const { exitCode, signalCode } = child;
      const end = hasEnded
        ? `ended with ${exitCode ?? signalCode}`
        : `timed out after ${START_TIMEOUT_MS} ms`;
      throw new Error(`The replica's start ${end}. Its output so far:\n${output || '(none)'}`);
    }
    await delay(20);
  }
  return {
    url,
    http: openApiValidatedAgent(url),
    pid: child.pid,
    get output() {
      return output;
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    signal: (signal) => child.kill(signal),
    ended: () => exited,
  };
}

async function isResponding(url: string): Promise<boolean> {
  return fetch(`${url}/health/live`).then(
    ({ ok }) => ok,
    () => false,
  );
}
