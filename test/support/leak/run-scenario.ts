import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SeededRandom } from '../seeded-random.js';
import { runConcurrently } from '../providers/pooled-client.js';
import { startReplica, type Replica } from '../replica.js';
import { RecordingClient } from './recording-client.js';
import { UserFlow, type Step } from './user-flow.js';
import { startLeakyProvider } from './leaky-provider.js';
import type { SecretFactory } from './secret-factory.js';

const AT_ONCE = 24;

/** Where a service leaves something of what it did. */
export const OUTPUTS = [
  'log',
  'error bodies',
  'results',
  'headers',
  'metrics',
  'arguments',
] as const;

/** All that was left there. */
export type CollectedOutput = Readonly<Record<(typeof OUTPUTS)[number], string>>;

export interface TestRun {
  /** Where the service is. */
  readonly url: string;
  /** Has all flows go through this act, many at the same time. */
  readonly runStep: (act: Step) => Promise<void>;
}

interface ScenarioOptions {
  readonly random: SeededRandom;
  readonly secrets: SecretFactory;
  readonly flows: number;
  /** On top of those that every story has. */
  readonly settings: NodeJS.ProcessEnv;
  readonly runSteps: (stage: TestRun) => Promise<void>;
}

/**
 * Lives through a story: a service as it is in production, but for its log's level, between callers
 * who make mistakes and providers who repeat all that they hear.
 * @returns what it has left behind, once it has ended
 */
export async function runScenario(story: ScenarioOptions): Promise<CollectedOutput> {
  const { random, secrets, settings, flows: count, runSteps } = story;
  const dataDir = mkdtempSync(join(tmpdir(), 'otp-leak-'));
  const gossip = await startLeakyProvider(random.for('vendor'), secrets);
  const clients = ['shop', 'bank'].map((name) => secrets.createApiKey(name));
  const replica = await startReplica({
    NODE_ENV: 'production',
    LOG_LEVEL: 'trace',
    DATA_DIR: dataDir,
    SHUTDOWN_DELAY: '1ms',
    OTP_SECRET: secrets.createCredential(),
    API_KEYS: clients.map(({ entry }) => entry).join(','),
    TRUST_PROXY: '127.0.0.1',
    PROVIDERS: 'infobip,sinch',
    INFOBIP_BASE_URL: gossip.url,
    INFOBIP_API_KEY: secrets.createCredential(),
    INFOBIP_APP_ID: 'application',
    INFOBIP_MESSAGE_ID: 'message',
    SINCH_BASE_URL: gossip.url,
    SINCH_APPLICATION_KEY: secrets.createCredential(),
    SINCH_APPLICATION_SECRET: secrets.createCredential(),
    PROVIDER_TIMEOUT: '500ms',
    SEND_COOLDOWN: '1s',
    // It says of each text that it would refuse it, and to whom.
    PUMPING_GUARD: 'observe',
    PUMPING_FLOOR_PER_HOUR: '1',
    PUMPING_FLOOR_PER_DAY: '1',
    ...settings,
  });
  const caller = new RecordingClient(replica, AT_ONCE);
  const world = { caller, gossip, secrets, apiKeys: clients.map(({ key }) => key) };
  const flows = Array.from({ length: count }, (_, i) => new UserFlow(world, random.for(String(i))));
  const runStep = (act: Step) => runConcurrently(count, AT_ONCE, async (i) => flows[i]?.[act]());
  try {
    await runSteps({ url: replica.url, runStep });
    const metrics = await metricsOf(replica);
    const commandLine = readFileSync(`/proc/${String(replica.pid)}/cmdline`, 'utf8');
    await replica.stop();
    return {
      log: replica.output,
      'error bodies': caller.errorBodies.join('\n'),
      results: caller.successBodies.join('\n').replace(/"pinId":"[^"]*"/g, ''),
      headers: caller.headers.join('\n'),
      metrics,
      arguments: commandLine,
    };
  } finally {
    await replica.kill();
    await caller.close();
    await gossip.close();
    rmSync(dataDir, { recursive: true });
  }
}

/** Of fractions, such as parts of seconds, the beginning: more digits are chance, and may be a number's. */
async function metricsOf({ url }: Replica): Promise<string> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return page.replace(/(\.\d{3})\d+/g, '$1');
}
