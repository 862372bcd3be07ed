import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newPhoneNumber } from '../support/outage/load-generator.js';
import { PooledClient, quantile, type TimedResponse } from '../support/providers/pooled-client.js';
import { startFakeProvider, type FakeProvider } from '../support/providers/fake-provider.js';
import { startReplica, type Replica } from '../support/replica.js';
import { scaled } from '../support/time-scale.js';

/** In memory where there is such a place: what is measured is not the disk. */
const SPARE_DISK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const PER_SECOND = 500;
const HANGING_S = 10;
const CONNECTIONS = 400;
const RECOVERY_MS = scaled(1_000);
/** As slow as a busy machine may be. */
const SOME_MS = scaled(100);
const STORY_MS = 90_000;

describe('While the only provider hangs, at 500 sends a second,', () => {
  let infobip: FakeProvider;
  let service: Replica;
  let dataDir: string;
  let client: PooledClient;
  const sends: TimedResponse[] = [];
  const health: TimedResponse[] = [];
  const reads: TimedResponse[] = [];
  /** In MiB, one a second. */
  const memory: number[] = [];
  let recoveredAfterMs: number;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(SPARE_DISK, 'otp-hang-'));
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
    await Promise.all([hang(), watch(`/otp/${String(body['pinId'])}`)]);
    recoveredAfterMs = await recover();
  }, STORY_MS);

  afterAll(async () => {
    await client.close();
    await service.stop();
    await infobip.close();
    rmSync(dataDir, { recursive: true });
  });

  const send = () => client.post('/otp/send', { phoneNumber: newPhoneNumber() });

  /** At a steady rate, whatever the answers do. */
  async function hang(): Promise<void> {
    const beganAt = performance.now();
    const asked: Promise<unknown>[] = [];
    const count = HANGING_S * PER_SECOND;
    while (asked.length < count) {
      const due = Math.min(count, ((performance.now() - beganAt) / 1_000) * PER_SECOND);
      while (asked.length < due) asked.push(send().then((answer) => sends.push(answer)));
      await delay(2);
    }
    await Promise.all(asked);
  }

  async function watch(path: string): Promise<void> {
    const watcher = new PooledClient(service, 2);
    for (let i = 0; i < 10 * HANGING_S; i += 1) {
      reads.push(await watcher.get(path));
      health.push(await watcher.get('/health/live'), await watcher.get('/health/ready'));
      if (i % 10 === 0) memory.push(memoryOf(service));
      await delay(1_000 / 10);
    }
    await watcher.close();
  }

  /** Nobody tells the service: the call by which it last looked hangs on. */
  async function recover(): Promise<number> {
    const asked = Array.from({ length: 20 }, send);
    await asked[1];
    await infobip.stopFailing('hangs');
    const backAt = performance.now();
    while ((await send()).status !== 200) await delay(10);
    const tookMs = performance.now() - backAt;
    await Promise.all(asked);
    return tookMs;
  }

  it('only as many wait for it as may, and the others hear when to ask again', () => {
    expect(sends).toHaveLength(HANGING_S * PER_SECOND);
    const codes = new Set(sends.map(({ body }) => body['code']));
    expect(['provider_timeout', 'provider_unavailable', 'overloaded']).toEqual(
      expect.arrayContaining([...codes]),
    );
    const shed = sends.filter(({ status }) => status === 503);
    expect(shed.filter(({ headers }) => !(Number(headers['retry-after']) >= 1))).toEqual([]);
    expect(shed.length).toBeGreaterThan(0.9 * sends.length);
  });

  it('it is alive and ready', () => {
    expect(health.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('other routes answer as ever', () => {
    expect(reads.filter(({ status }) => status !== 200)).toEqual([]);
    expect(
      quantile(
        reads.map(({ durationMs }) => durationMs),
        0.5,
      ),
    ).toBeLessThan(SOME_MS);
  });

  it('its memory does not grow', () => {
    const [early, late] = [memory.slice(2, 5), memory.slice(-3)];
    expect(Math.max(...late)).toBeLessThan(1.5 * Math.max(...early));
  });

  it('is whole within a second of the provider', () => {
    expect(recoveredAfterMs).toBeLessThan(RECOVERY_MS);
  });
});

function memoryOf({ pid }: Replica): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
}
