import type { Sandbox } from '../../../src/sandbox/sandbox.js';
import { startReplica, type Replica } from '../replica.js';

/** How each replica is started: its settings, and its other options. */
type Start = Readonly<Parameters<typeof startReplica>>;

/** Replicas that share their records, and text to one sandbox. */
export interface Fleet<R extends readonly Replica[] = readonly [Replica, Replica]> {
  readonly replicas: R;
  /** The codes that a phone received, newest first. */
  readonly codesOf: (phoneNumber: string) => Promise<string[]>;
  stop(): Promise<void>;
}

/** Starts replicas with these settings, at the same time, each with its own on top. */
export async function startFleet<S extends readonly Start[]>(
  sandbox: Sandbox,
  settings: NodeJS.ProcessEnv,
  ...starts: S
): Promise<Fleet<{ [K in keyof S]: Replica }>> {
  const common = { NODE_ENV: 'test', INFOBIP_BASE_URL: sandbox.url, ...settings };
  const starting = starts.map(([own, options]) => startReplica({ ...common, ...own }, options));
  const stop = async () => {
    for (const start of await Promise.allSettled(starting)) {
      if (start.status === 'fulfilled') await start.value.stop();
    }
  };
  try {
    const replicas = (await Promise.all(starting)) as { [K in keyof S]: Replica };
    return { replicas, codesOf: codesAt(sandbox), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function codesAt({ url }: Sandbox): Fleet['codesOf'] {
  return async (phoneNumber) => {
    const inbox = await fetch(`${url}/sandbox/messages?to=${encodeURIComponent(phoneNumber)}`);
    return ((await inbox.json()) as { pin: string }[]).map(({ pin }) => pin);
  };
}
