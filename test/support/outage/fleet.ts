import type { Sandbox } from '../../../src/sandbox/sandbox.js';
import { startReplica, type Replica } from '../replica.js';
import { readCodes } from '../sandbox-calls.js';

/** The settings and options of one replica. */
type ReplicaOptions = Readonly<Parameters<typeof startReplica>>;

/** Replicas that share a database and use one sandbox as their provider. */
export interface Fleet<R extends readonly Replica[] = readonly [Replica, Replica]> {
  readonly replicas: R;
  /** The codes that a phone received, newest first. */
  readonly getReceivedCodes: (phoneNumber: string) => Promise<string[]>;
  stop(): Promise<void>;
}

/** Starts replicas at the same time, each with the common settings and its own. */
export async function startFleet<S extends readonly ReplicaOptions[]>(
  sandbox: Sandbox,
  settings: NodeJS.ProcessEnv,
  ...options: S
): Promise<Fleet<{ [K in keyof S]: Replica }>> {
  const common = { NODE_ENV: 'test', INFOBIP_BASE_URL: sandbox.url, ...settings };
  const starting = options.map(([own, options]) => startReplica({ ...common, ...own }, options));
  const stop = async () => {
    for (const start of await Promise.allSettled(starting)) {
      if (start.status === 'fulfilled') await start.value.stop();
    }
  };
  try {
    const replicas = (await Promise.all(starting)) as { [K in keyof S]: Replica };
    const getReceivedCodes = (phoneNumber: string) => readCodes(sandbox.url, phoneNumber);
    return { replicas, getReceivedCodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
