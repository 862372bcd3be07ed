import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SeededRandom } from '../seeded-random.js';
import { runConcurrently } from '../providers/pooled-client.js';
import { startOtlpCollector } from '../otlp-collector.js';
import { startReplica, type Replica } from '../replica.js';
import { RecordingClient } from './recording-client.js';
import { UserFlow, type Step } from './user-flow.js';
import { startLeakyProvider } from './leaky-provider.js';
import type { SecretFactory } from './secret-factory.js';

const CONCURRENT_FLOWS = 24;

/** The outputs of the service that must not contain a secret. */
export const OUTPUTS = [
  'log',
  'error bodies',
  'success bodies',
  'headers',
  'metrics',
  'traces',
  'command line',
] as const;

/** The text of each output. */
export type CollectedOutput = Readonly<Record<(typeof OUTPUTS)[number], string>>;

export interface TestRun {
  /** The service's URL. */
  readonly url: string;
  /** Runs a step of every flow, many at the same time. */
  readonly runInAllFlows: (step: Step) => Promise<void>;
}

interface ScenarioOptions {
  readonly random: SeededRandom;
  readonly secrets: SecretFactory;
  /** How many flows to run. */
  readonly flows: number;
  /** Settings besides those of every scenario. */
  readonly settings: NodeJS.ProcessEnv;
  readonly runSteps: (run: TestRun) => Promise<void>;
}

/**
 * Runs a service with production settings and the most detailed log. Its clients make mistakes, and
 * its providers repeat every secret that they receive.
 * @returns all output of the service, after it has stopped
 */
export async function runScenario(options: ScenarioOptions): Promise<CollectedOutput> {
  const { random, secrets, settings, flows: count, runSteps } = options;
  const dataDir = mkdtempSync(join(tmpdir(), 'otp-leak-'));
  const provider = await startLeakyProvider(random.for('provider'), secrets);
  const collector = await startOtlpCollector();
  const clients = ['shop', 'bank'].map((name) => secrets.createApiKey(name));
  const reportToken = secrets.createCredential();
  const replica = await startReplica({
    NODE_ENV: 'production',
    LOG_LEVEL: 'trace',
    DATA_DIR: dataDir,
    SHUTDOWN_DELAY: '1ms',
    OTP_SECRET: secrets.createCredential(),
    PROOF_KEYS: secrets.createProofKeys(),
    PROOF_ISSUER: 'https://otp.example.com',
    API_KEYS: clients.map(({ entry }) => entry).join(','),
    METRICS_CLIENT: 'shop',
    TRUST_PROXY: '127.0.0.1',
    PROVIDERS: 'infobip,sinch',
    INFOBIP_BASE_URL: provider.url,
    INFOBIP_API_KEY: secrets.createCredential(),
    INFOBIP_APP_ID: 'application',
    INFOBIP_MESSAGE_ID: 'message',
    SINCH_BASE_URL: provider.url,
    SINCH_APPLICATION_KEY: secrets.createCredential(),
    SINCH_APPLICATION_SECRET: secrets.createCredential(),
    PROVIDER_TIMEOUT: '500ms',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `x-key=${secrets.createCredential()}`,
    INFOBIP_REPORT_TOKEN: reportToken,
    SINCH_REPORTS: 'true',
    PUBLIC_URL: 'https://otp.example.com',
    // Nothing listens here, so the service logs each failed attempt to send an event.
    EVENTS_URL: `https://127.0.0.1:9/${secrets.createCredential()}`,
    EVENTS_SECRET: `whsec_${secrets.createCredential()}`,
    SEND_COOLDOWN: '1s',
    // Not reached, although most of the codes that these clients submit are wrong.
    CLIENT_WRONG_CODES_PER_DAY: '1000000',
    // With these settings the service logs the destination of each message that it would block.
    PUMPING_GUARD: 'observe',
    PUMPING_FLOOR_PER_HOUR: '1',
    PUMPING_FLOOR_PER_DAY: '1',
    ...settings,
  });
  const client = new RecordingClient(replica, CONCURRENT_FLOWS);
  const apiKeys = clients.map(({ key }) => key);
  const context = { client, provider, secrets, apiKeys, reportToken };
  const flows = Array.from(
    { length: count },
    (_, i) => new UserFlow(context, random.for(String(i))),
  );
  const runInAllFlows = (step: Step) =>
    runConcurrently(count, CONCURRENT_FLOWS, async (i) => flows[i]?.[step]());
  try {
    await runSteps({ url: replica.url, runInAllFlows });
    const metrics = await readMetrics(replica, context.apiKeys[0] ?? '');
    const commandLine = readFileSync(`/proc/${String(replica.pid)}/cmdline`, 'utf8');
    await replica.stop();
    return {
      log: removeRandomIds(removeCallerAddresses(replica.output)),
      'error bodies': removeRandomIds(client.errorBodies.join('\n')),
      // These bodies must contain the two secrets, which are for the client.
      'success bodies': client.successBodies
        .join('\n')
        .replace(/"(pinId|proof)":"[^"]*"/g, '"$1":""'),
      headers: removeRandomIds(client.headers.join('\n')),
      metrics,
      traces: removeIdsAndTimes(collector.text),
      'command line': commandLine,
    };
  } finally {
    await replica.kill();
    await client.close();
    await provider.close();
    await collector.close();
    rmSync(dataDir, { recursive: true });
  }
}

/** Removes the IP addresses that audit lines may contain. In any other line an address is a leak. */
const removeCallerAddresses = (log: string): string =>
  log.replace(/^.*"kind":"audit".*$/gm, (line) => line.replace(/"address":"[^"]*"/, ''));

/** Removes request ids and trace ids, which contain the digits of some number by chance. */
const removeRandomIds = (text: string): string =>
  text.replace(
    /"(?:requestId|x-request-id|traceId)":"(?:[\da-f]{32}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})"/g,
    '',
  );

/** Removes random ids and long numbers, which could look like a phone number. */
const removeIdsAndTimes = (traces: string): string =>
  traces.replace(/"(?:traceId|spanId|parentSpanId|\w+UnixNano)":"[\da-f]+"/g, '');

/** Reads the metrics with fractions of three digits: longer ones could look like a phone number. */
async function readMetrics({ url }: Replica, key: string): Promise<string> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
  if (!response.ok) throw new Error(`/metrics returned ${String(response.status)}`);
  const page = await response.text();
  return page.replace(/(\.\d{3})\d+/g, '$1');
}
