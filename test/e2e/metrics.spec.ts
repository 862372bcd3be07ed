import supertest from 'supertest';
import { wrongCode } from '../support/wrong-code.js';
import { minutes } from '../../src/common/durations.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { freePort } from '../support/services/ports.js';
import { expectProblem } from '../support/problem.js';
import { PRODUCTION_SETTINGS } from '../support/production-settings.js';
import { scrape, total, type Sample } from '../support/metrics.js';
import {
  startSandboxedService,
  startService,
  type RunningService,
  type SandboxedService,
} from '../support/service.js';

const NUMBER = '+14155552671';
const US = { country: 'US', channel: 'sms', provider: 'infobip' };

describe('GET /metrics', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService();
  });

  afterEach(() => service.close());

  const send = (phoneNumber = NUMBER) => service.http.post('/otp/send').send({ phoneNumber });
  const verify = (pinId: string, otpCode: string) =>
    service.http.post('/otp/verify').send({ pinId, otpCode });

  it('counts sends and verifications with the same labels, for a conversion rate', async () => {
    const { pinId } = (await send()).body;
    await send('+14155552672');
    const [code = ''] = await service.getReceivedCodes(NUMBER);
    await verify(pinId, wrongCode(code));
    await verify(pinId, code);

    const samples = await scrape(service.url);
    expect(total(samples, 'otp_sends_total', { ...US, outcome: 'accepted' })).toBe(2);
    expect(total(samples, 'otp_verifications_total', { ...US, outcome: 'verified' })).toBe(1);
    expect(total(samples, 'otp_verifications_total', { ...US, outcome: 'wrong_code' })).toBe(1);
    expect(total(samples, 'otp_resends_total')).toBe(0);
  });

  it('counts resends separately from sends, by outcome', async () => {
    const { pinId } = (await send()).body;
    service.clock.advance(60_000);
    await service.http.post('/otp/resend').send({ pinId, channel: 'voice' });

    const samples = await scrape(service.url);
    expect(total(samples, 'otp_sends_total', { channel: 'sms' })).toBe(1);
    expect(
      total(samples, 'otp_resends_total', { ...US, channel: 'voice', outcome: 'accepted' }),
    ).toBe(1);
  });

  it('counts every request by route and status, and no completed one as in flight', async () => {
    await send();
    await send();
    await service.http.get('/otp/unknown');
    await service.http.get('/nowhere/14155552671');
    await service.http.put('/otp/send');

    const samples = await scrape(service.url);
    const requests = (labels: Record<string, string>) =>
      total(samples, 'otp_http_request_duration_seconds_count', labels);
    expect(requests({ method: 'POST', route: '/otp/send', status: '200' })).toBe(1);
    expect(requests({ method: 'POST', route: '/otp/send', status: '429' })).toBe(1);
    expect(requests({ method: 'GET', route: '/otp/:pinId', status: '404' })).toBe(1);
    expect(requests({ method: 'PUT', route: '/otp/send', status: '405' })).toBe(1);
    expect(requests({ route: 'none', status: '404' })).toBe(1);
    // The request for the metrics itself.
    expect(total(samples, 'otp_http_requests_in_flight')).toBe(1);
  });

  it('counts rejections by reason', async () => {
    const { pinId } = (await send()).body;
    await send();
    await service.http.delete(`/otp/${pinId}`);
    await verify(pinId, '123456');

    const samples = await scrape(service.url);
    expect(total(samples, 'otp_rejections_total', { reason: 'cooldown_active' })).toBe(1);
    expect(total(samples, 'otp_rejections_total', { reason: 'cancelled' })).toBe(1);
  });

  it('measures storage operations, and counts fraud checks by decision', async () => {
    await send();

    const samples = await scrape(service.url);
    const reserved = { operation: 'reserveSend', outcome: 'ok' };
    expect(total(samples, 'otp_storage_operation_duration_seconds_count', reserved)).toBe(1);
    expect(total(samples, 'otp_storage_operation_duration_seconds_sum', reserved)).toBeGreaterThan(
      0,
    );
    expect(total(samples, 'otp_fraud_checks_total', { decision: 'allowed', country: 'US' })).toBe(
      1,
    );
  });

  it('measures provider calls by outcome, and shows the state of circuit breakers', async () => {
    const failing = await startService({
      INFOBIP_BASE_URL: `http://127.0.0.1:${await freePort()}`,
      INFOBIP_API_KEY: 'key',
      INFOBIP_APP_ID: 'application',
      INFOBIP_MESSAGE_ID: 'message',
    });
    const calls = (labels: Record<string, string>) => (samples: Sample[]) =>
      total(samples, 'otp_provider_calls_total', {
        provider: 'infobip',
        operation: 'send',
        ...labels,
      });
    await send();
    for (let i = 0; i < 4; i += 1) {
      await failing.http.post('/otp/send').send({ phoneNumber: `+1415555267${i}` });
    }

    const failingSamples = await scrape(failing.url);
    expect(calls({ outcome: 'ok' })(await scrape(service.url))).toBe(1);
    expect(calls({ outcome: 'connection_failed' })(failingSamples)).toBeGreaterThanOrEqual(5);
    // The circuit opens at the third or fourth send. A send that it rejects is not counted as failed.
    const failed = total(failingSamples, 'otp_sends_total', {
      provider: 'none',
      outcome: 'failed',
    });
    expect([3, 4]).toContain(failed);
    const circuit = (state: string) =>
      total(failingSamples, 'otp_provider_circuit_state', {
        provider: 'infobip',
        operation: 'send',
        channel: 'sms',
        state,
      });
    expect(['closed', 'half_open', 'open'].map(circuit)).toEqual([0, 0, 1]);
    await failing.close();
  });

  it('counts the limits that requests reached, by kind', async () => {
    const limited = await startSandboxedService({
      SENDS_PER_NUMBER_PER_DAY: '2',
      THROTTLE_SEND_LIMIT: '3',
    });
    const sendOn = () => limited.http.post('/otp/send').send({ phoneNumber: NUMBER });
    const before = await scrape(limited.url);
    await sendOn();
    await sendOn();
    limited.clock.advance(minutes(1));
    for (let i = 0; i < 4; i += 1) await sendOn();

    const samples = await scrape(limited.url);
    await limited.close();
    const reached = (limit: string) => total(samples, 'otp_limits_reached_total', { limit });
    // The fourth send of the second minute reaches only the rate limit.
    expect(['cooldown', 'sends_per_day', 'rate_limit_send'].map(reached)).toEqual([1, 2, 1]);
    expect(total(samples, 'otp_limits_reached_total')).toBe(4);
    expect(total(before, 'otp_limits_reached_total')).toBe(0);
    const [line] = limited.log.events('request').filter(({ limit }) => limit === 'sends_per_day');
    expect(line).toMatchObject({ problem: 'quota_exceeded' });
  });

  it('counts responses that are replayed for an idempotency key', async () => {
    const key = 'order-1';
    const sendWithKey = () => send().set('idempotency-key', key);
    await sendWithKey();
    await sendWithKey();

    expect(total(await scrape(service.url), 'otp_idempotent_replays_total')).toBe(1);
  });

  it('shows the version, and which readiness checks succeed', async () => {
    const samples = await scrape(service.url);

    expect(samples.find(({ name }) => name === 'otp_build_info')).toMatchObject({
      labels: { version: '0.1.0', node: process.version },
      value: 1,
    });
    const ready = (check: string) => total(samples, 'otp_ready', { check });
    expect([ready('storage'), ready('counters')]).toEqual([1, 1]);
    // This service uses no Redis.
    expect(samples.filter(({ name }) => name === 'otp_redis_up')).toEqual([]);
  });

  it('counts all requests with client="none" if no clients are configured', async () => {
    await send();

    const samples = await scrape(service.url);
    expect(total(samples, 'otp_client_requests_total', { client: 'none', result: 'ok' })).toBe(1);
    expect(new Set(samples.flatMap(({ labels }) => labels['client'] ?? []))).toEqual(
      new Set(['none']),
    );
  });

  it('has each series with the value 0 before its first event, so that Prometheus sees an increase', async () => {
    const samples = await scrape(service.url);
    const find = (name: string, labels: Record<string, string>) =>
      samples.filter(
        (sample) =>
          sample.name === name &&
          Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      );

    const provider = 'infobip';
    for (const [name, labels] of [
      ['otp_rejections_total', { reason: 'storage_unavailable' }],
      ['otp_rejections_total', { reason: 'cancelled' }],
      ['otp_limits_reached_total', { limit: 'failures' }],
      [
        'otp_provider_calls_total',
        { provider, operation: 'send', channel: 'whatsapp', outcome: 'unauthorized' },
      ],
      ['otp_provider_call_duration_seconds_count', { provider, operation: 'verify' }],
      [
        'otp_provider_circuit_state',
        { provider, operation: 'resend', channel: 'voice', state: 'open' },
      ],
      [
        'otp_storage_operation_duration_seconds_count',
        { operation: 'reserveAttempt', outcome: 'failed' },
      ],
      ['otp_client_requests_total', { client: 'none', result: 'failed' }],
      ['otp_client_sends_total', { client: 'none', outcome: 'ambiguous' }],
      ['otp_client_verifications_total', { client: 'none', outcome: 'wrong_code' }],
      ['otp_idempotent_replays_total', {}],
      ['otp_log_lines_lost_total', {}],
    ] as const) {
      expect([name, find(name, labels)]).toEqual([name, [expect.objectContaining({ value: 0 })]]);
    }
    await send();
    const blocked = { decision: 'blocked', scope: 'client_prefix', country: 'US' };
    const afterSend = await scrape(service.url);
    expect(afterSend).toContainEqual({ name: 'otp_fraud_checks_total', labels: blocked, value: 0 });
  });

  it('counts pending verifications until they are verified or expire', async () => {
    const pending = async () => total(await scrape(service.url), 'otp_pending_verifications');
    const { pinId } = (await send()).body;
    await send('+14155552672');
    expect(await pending()).toBe(2);

    const [code = ''] = await service.getReceivedCodes(NUMBER);
    await verify(pinId, code);
    expect(await pending()).toBe(1);

    service.clock.advance(minutes(5.5));
    expect(await pending()).toBe(0);
  });

  it('has metrics of the Node process', async () => {
    const names = new Set((await scrape(service.url)).map(({ name }) => name));

    expect([...names]).toEqual(
      expect.arrayContaining(['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes']),
    );
  });
});

describe('GET /metrics of a service with API keys', () => {
  it('counts requests, sends and verifications by client, and has no other values of the label', async () => {
    const [shop, bank] = [newApiKey('shop'), newApiKey('bank')];
    const service = await startSandboxedService({
      API_KEYS: `${shop.entry},${bank.entry}`,
      METRICS_CLIENT: 'shop',
    });
    const post = (path: string, body: object, key: string) =>
      service.http.post(path).set('authorization', `Bearer ${key}`).send(body);
    const { pinId } = (await post('/otp/send', { phoneNumber: NUMBER }, shop.key)).body;
    const [code = ''] = await service.getReceivedCodes(NUMBER);
    await post('/otp/verify', { pinId, otpCode: wrongCode(code) }, shop.key);
    await post('/otp/verify', { pinId, otpCode: code }, bank.key);
    await post('/otp/send', { phoneNumber: NUMBER }, 'unknown');
    await service.http.get('/health/ready');

    const samples = await scrape(service.url, shop.key);
    await service.close();
    const requests = (labels: Record<string, string>) =>
      total(samples, 'otp_client_requests_total', labels);
    expect(requests({ client: 'shop', result: 'ok' })).toBe(2);
    expect(requests({ client: 'bank', result: 'rejected' })).toBe(1);
    expect(requests({ client: 'none', result: 'unauthenticated' })).toBe(1);
    expect(requests({})).toBe(4);
    const sent = { client: 'shop', outcome: 'accepted' };
    expect(total(samples, 'otp_client_sends_total', sent)).toBe(1);
    const wrong = { client: 'shop', outcome: 'wrong_code' };
    expect(total(samples, 'otp_client_verifications_total', wrong)).toBe(1);
    expect(new Set(samples.flatMap(({ labels }) => labels['client'] ?? []))).toEqual(
      new Set(['shop', 'bank', 'none']),
    );
  });
});

describe('GET /metrics of a service in production', () => {
  const [shop, monitor, newMonitor] = [
    newApiKey('shop'),
    newApiKey('monitor'),
    newApiKey('monitor'),
  ];
  const API_KEYS = `${shop.entry},${monitor.entry},${newMonitor.entry}`;
  let service: RunningService;

  afterEach(() => service.close());

  async function start(settings: NodeJS.ProcessEnv = {}): Promise<void> {
    service = await startService({ ...PRODUCTION_SETTINGS, API_KEYS, ...settings });
  }

  it('is returned on PORT to every key of METRICS_CLIENT', async () => {
    await start({ METRICS_CLIENT: 'monitor' });

    for (const apiKey of [monitor, newMonitor]) {
      const page = await createClientAgent(service.url, apiKey.key).get('/metrics').expect(200);
      expect(page.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(page.text).toContain('otp_client_requests_total{client="shop",result="ok"} 0');
    }
  });

  it('returns 404 to the key of every other client, as for an unknown path', async () => {
    await start({ METRICS_CLIENT: 'monitor' });
    const client = createClientAgent(service.url, shop.key);

    const refused = await client.get('/metrics');
    expectProblem(refused, 404, 'not_found');
    expect(refused.body.detail).toMatch(/^No route has this path\./);
    expect((await client.head('/metrics')).status).toBe(404);
  });

  it('returns 401 on PORT to a request without a valid API key', async () => {
    await start({ METRICS_CLIENT: 'monitor' });

    const withoutKey = await service.http.get('/metrics');
    expectProblem(withoutKey, 401, 'unauthenticated');
    expect(withoutKey.headers['www-authenticate']).toBe('Bearer');
    expect((await service.http.head('/metrics')).status).toBe(401);
    expectProblem(
      await createClientAgent(service.url, newApiKey('monitor').key).get('/metrics'),
      401,
      'unauthenticated',
    );
  });

  it('returns 404 on PORT to every client if METRICS_CLIENT is not set', async () => {
    await start();

    for (const apiKey of [shop, monitor]) {
      const refused = await createClientAgent(service.url, apiKey.key).get('/metrics');
      expectProblem(refused, 404, 'not_found');
    }
  });

  it('needs no API key if METRICS_PUBLIC is true', async () => {
    await start({ METRICS_PUBLIC: 'true' });

    const page = await service.http.get('/metrics').expect(200);
    expect(page.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(page.text).toContain('otp_client_requests_total{client="shop",result="ok"} 0');
  });

  it('needs no API key on METRICS_PORT, and is then not on PORT, even with METRICS_PUBLIC', async () => {
    const METRICS_PORT = String(await freePort());
    await start({ METRICS_PORT, METRICS_PUBLIC: 'true' });

    await supertest(`http://127.0.0.1:${METRICS_PORT}`).get('/metrics').expect(200);
    expectProblem(await service.http.get('/metrics'), 404, 'not_found');
  });
});

describe('GET /metrics with METRICS_PORT', () => {
  it('is served on that port only', async () => {
    const port = await freePort();
    const service = await startSandboxedService({ METRICS_PORT: String(port) });
    try {
      const metricsServer = supertest(`http://127.0.0.1:${port}`);

      expect((await service.http.get('/metrics')).status).toBe(404);
      expect((await metricsServer.get('/metrics')).text).toContain('otp_http_requests_in_flight 0');
      expect((await metricsServer.get('/otp/send')).status).toBe(404);
      expect((await metricsServer.post('/metrics')).status).toBe(404);
    } finally {
      await service.close();
    }
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
  });
});
