import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newPhoneNumber } from '../support/outage/load-generator.js';
import { PooledClient, quantile, type TimedResponse } from '../support/providers/pooled-client.js';
import { startFakeProvider, type FakeProvider } from '../support/providers/fake-provider.js';
import { startReplica, type Replica } from '../support/replica.js';
import { scaleTimeLimit } from '../support/time-scale.js';

/** Prefers a folder in memory, because the disk is not measured. */
const DATA_ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const SENDS_PER_SECOND = 500;
const HANG_SECONDS = 10;
const CONNECTIONS = 400;
const RECOVERY_MS = scaleTimeLimit(1_000);
const MAX_MEDIAN_MS = scaleTimeLimit(100);
const SCENARIO_TIMEOUT_MS = 90_000;

describe('At 500 sends a second while the only provider does not answer', () => {
  let infobip: FakeProvider;
  let service: Replica;
  let dataDir: string;
  let client: PooledClient;
  const sends: TimedResponse[] = [];
  const health: TimedResponse[] = [];
  const reads: TimedResponse[] = [];
  /** In MiB, one sample a second. */
  const memory: number[] = [];
  let recoveredAfterMs: number;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(DATA_ROOT, 'otp-hang-'));
    infobip = await startFakeProvider();
    service = await startReplica({
      NODE_ENV: 'test',
      INFOBIP_BASE_URL: infobip.url,
      PUMPING_GUARD: 'off',
      DATA_DIR: dataDir,
      LOG_LEVEL: 'silent',
    });
    client = new PooledClient(service, CONNECTIONS);
    const { body } = await client.post('/otp/send', { phoneNumber: newPhoneNumber() });
    await infobip.startFailing('hangs');
    await Promise.all([sendAtSteadyRate(), checkOtherRoutes(`/otp/${String(body['pinId'])}`)]);
    recoveredAfterMs = await measureRecovery();
  }, SCENARIO_TIMEOUT_MS);

  afterAll(async () => {
    await client.close();
    await service.stop();
    await infobip.close();
    rmSync(dataDir, { recursive: true });
  });

  const send = () => client.post('/otp/send', { phoneNumber: newPhoneNumber() });

  /** Sends at a steady rate, without waiting for responses. */
  async function sendAtSteadyRate(): Promise<void> {
    const startedAt = performance.now();
    const pending: Promise<unknown>[] = [];
    const count = HANG_SECONDS * SENDS_PER_SECOND;
    while (pending.length < count) {
      const due = Math.min(count, ((performance.now() - startedAt) / 1_000) * SENDS_PER_SECOND);
      while (pending.length < due) pending.push(send().then((answer) => sends.push(answer)));
      await delay(2);
    }
    await Promise.all(pending);
  }

  async function checkOtherRoutes(path: string): Promise<void> {
    const statusClient = new PooledClient(service, 2);
    for (let i = 0; i < 10 * HANG_SECONDS; i += 1) {
      reads.push(await statusClient.get(path));
      health.push(await statusClient.get('/health/live'), await statusClient.get('/health/ready'));
      if (i % 10 === 0) memory.push(readMemory(service));
      await delay(1_000 / 10);
    }
    await statusClient.close();
  }

  /** Ends the outage while calls to the provider still hang, and returns the time until a send succeeds. */
  async function measureRecovery(): Promise<number> {
    const pending = Array.from({ length: 20 }, send);
    // The first send is the probe of the open circuit, and hangs. So the second gets 503 at once.
    await pending[1];
    await infobip.stopFailing('hangs');
    const recoveryStartedAt = performance.now();
    while ((await send()).status !== 200) await delay(10);
    const tookMs = performance.now() - recoveryStartedAt;
    await Promise.all(pending);
    return tookMs;
  }

  it('over 90 % of the sends get 503 with Retry-After, and the others time out', () => {
    expect(sends).toHaveLength(HANG_SECONDS * SENDS_PER_SECOND);
    const codes = new Set(sends.map(({ body }) => body['code']));
    expect(['provider_timeout', 'provider_unavailable', 'overloaded']).toEqual(
      expect.arrayContaining([...codes]),
    );
    const rejected = sends.filter(({ status }) => status === 503);
    expect(rejected.filter(({ headers }) => !(Number(headers['retry-after']) >= 1))).toEqual([]);
    expect(rejected.length).toBeGreaterThan(0.9 * sends.length);
  });

  it('the service stays alive and ready', () => {
    expect(health.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('GET /otp/{pinId} responds within 100 ms at the median', () => {
    expect(reads.filter(({ status }) => status !== 200)).toEqual([]);
    expect(
      quantile(
        reads.map(({ durationMs }) => durationMs),
        0.5,
      ),
    ).toBeLessThan(MAX_MEDIAN_MS);
  });

  it('the memory of the service does not grow', () => {
    const [early, late] = [memory.slice(2, 5), memory.slice(-3)];
    expect(Math.max(...late)).toBeLessThan(1.5 * Math.max(...early));
  });

  it('sends succeed within a second of the recovery of the provider', () => {
    expect(recoveredAfterMs).toBeLessThan(RECOVERY_MS);
  });
});

function readMemory({ pid }: Replica): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
}
