import { setTimeout as delay } from 'node:timers/promises';
import type { Response } from 'supertest';
import { hours } from '../../src/common/durations.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres } from '../support/services/postgres.js';
import { startRedis } from '../support/services/redis.js';
import { scrape, total, type Sample } from '../support/metrics.js';
import { startFlakyProxy } from '../support/outage/flaky-proxy.js';
import { startSandboxedService, type RunningService } from '../support/service.js';

const START_TIMEOUT_MS = 60_000;

const getReadiness = ({ http }: RunningService) => http.get('/health/ready');

/** Requests readiness until the response has this status. Reports are cached, and reconnecting takes time. */
async function waitForStatus(status: number, service: RunningService): Promise<Response> {
  for (;;) {
    const response = await getReadiness(service);
    if (response.status === status) return response;
    await delay(20);
  }
}

describe('GET /health/ready', () => {
  const closing: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function start(settings: NodeJS.ProcessEnv = {}): Promise<RunningService> {
    const service = await startSandboxedService(settings);
    closing.push(() => service.close());
    return service;
  }

  it('reports storage and counters as up', async () => {
    const service = await start();

    const { status, body, headers } = await getReadiness(service);

    expect(status).toBe(200);
    const up = expect.objectContaining({ status: 'up' });
    expect(body).toMatchObject({ status: 'ok', details: { storage: up, counters: up } });
    expect(headers['cache-control']).toContain('no-store');
  });

  // This test fails if Readiness caches by `cacheFor` of Terminus, which uses the wall clock.
  it('does not keep a report when the clock is set back', async () => {
    const server = await startRedis({ dedicated: true });
    closing.push(() => server.stop());
    const service = await start({ REDIS_URL: server.url });
    await waitForStatus(200, service);
    const readClock = Date.now;
    const setBack = jest.spyOn(Date, 'now').mockImplementation(() => readClock() - hours(2));
    closing.push(async () => {
      setBack.mockRestore();
    });
    await server.shutDown();

    await waitForStatus(503, service);
  });

  it('does not depend on the provider', async () => {
    const service = await start({ INFOBIP_BASE_URL: 'http://127.0.0.1:9' });

    await getReadiness(service).expect(200);
  });

  // Each test fails without its health indicator in ReadinessService.
  it.each([
    ['storage', 'DATABASE_URL', startPostgres],
    ['counters', 'REDIS_URL', startRedis],
  ] as const)(
    'returns 503 while the server of the %s is down, and 200 when it is back',
    async (name, setting, startServer) => {
      const server = await startServer({ dedicated: true });
      closing.push(() => server.stop());
      const service = await start({ [setting]: server.url });
      await waitForStatus(200, service);

      await server.shutDown();
      const { body, headers } = await waitForStatus(503, service);
      expect(body.status).toBe('error');
      expect(Object.keys(body.error)).toEqual([name]);
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(body.error[name].message).not.toMatch(/127\.0\.0\.1|ECONN|postgres:/);
      await service.http.get('/health/live').expect(200);

      // A second failed probe, which must not be logged again. A report is cached for a second.
      await delay(1050);
      await waitForStatus(503, service);
      await server.restart();
      await waitForStatus(200, service);
      const lines = service.log.lines.filter((line) => line.includes('"context":"Readiness"'));
      expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
        `Not ready: cannot reach ${name}.`,
        'Ready again.',
      ]);
      // Terminus would log each failed probe as "Health Check has failed".
      expect(service.log.text).not.toContain('Health Check');
    },
    START_TIMEOUT_MS,
  );

  // This test fails if StorageHealthIndicator only reads: a `select` would succeed.
  it('returns 503 while the database is read-only', async () => {
    const postgres = await startPostgres({ dedicated: true });
    closing.push(() => postgres.stop());
    const service = await start({ DATABASE_URL: await postgres.createDatabase() });
    await getReadiness(service).expect(200);

    // The service keeps its connections, as after the failover of a managed database.
    await queryPostgres(postgres.url, 'ALTER SYSTEM SET default_transaction_read_only = on');
    await queryPostgres(postgres.url, 'SELECT pg_reload_conf()');
    // A report is cached for a second.
    await delay(1050);

    const { body } = await getReadiness(service).expect(503);
    expect(Object.keys(body.error)).toEqual(['storage']);
  });
});

describe('GET /metrics', () => {
  const closing: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  /** A service with a PostgreSQL behind a proxy. */
  async function startBehindProxy() {
    const postgres = await startPostgres();
    closing.push(() => postgres.stop());
    const proxy = await startFlakyProxy(await postgres.createDatabase());
    closing.push(() => proxy.close());
    const service = await startSandboxedService({ DATABASE_URL: proxy.url });
    closing.push(() => service.close());
    await waitForStatus(200, service);
    return { service, proxy };
  }

  // This test fails if HealthMetrics awaits the report.
  it('is answered before the check of a database that does not answer', async () => {
    const { service, proxy } = await startBehindProxy();
    await scrape(service.url);
    proxy.freeze();
    // A report is cached for a second.
    await delay(1050);
    const order: string[] = [];

    await Promise.all([
      getReadiness(service).then(({ status }) => order.push(`ready ${String(status)}`)),
      scrape(service.url).then(() => order.push('metrics')),
    ]);

    expect(order).toEqual(['metrics', 'ready 503']);
    expect(total(await scrape(service.url), 'otp_ready', { check: 'storage' })).toBe(0);
    expect(total(await scrape(service.url), 'otp_ready', { check: 'counters' })).toBe(1);
    proxy.unfreeze();
  });

  it('shows the connections in use, and the requests that wait for one', async () => {
    const { service, proxy } = await startBehindProxy();
    proxy.freeze();
    // More than the connections of the pool. Not sends: many share a read of the history.
    const requests = Array.from({ length: 60 }, () => service.http.get(`/otp/${'a'.repeat(22)}`));
    const responses = Promise.all(requests);
    const count = (samples: Sample[], state: string) =>
      total(samples, 'otp_database_connections', { state });
    let samples = await scrape(service.url);
    while (count(samples, 'waiting') === 0) samples = await scrape(service.url);

    expect(count(samples, 'in_use')).toBeGreaterThan(0);
    expect(count(samples, 'idle')).toBe(0);
    proxy.unfreeze();
    await responses;
    expect(count(await scrape(service.url), 'waiting')).toBe(0);
  });
});
