import supertest from 'supertest';
import { wrongCode } from '../support/wrong-code.js';
import { freePort } from '../support/free-port.js';
import { scrape, total, type Sample } from '../support/metrics.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';

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
    // The request for the metrics.
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
    const admitted = { operation: 'reserveSend', outcome: 'ok' };
    expect(total(samples, 'otp_storage_operation_duration_seconds_count', admitted)).toBe(1);
    expect(total(samples, 'otp_storage_operation_duration_seconds_sum', admitted)).toBeGreaterThan(
      0,
    );
    expect(total(samples, 'otp_fraud_checks_total', { decision: 'allowed', country: 'US' })).toBe(
      1,
    );
  });

  it('measures provider calls by outcome, and shows the state of circuit breakers', async () => {
    const down = await startService({
      INFOBIP_BASE_URL: `http://127.0.0.1:${await freePort()}`,
      INFOBIP_API_KEY: 'key',
      INFOBIP_APP_ID: 'application',
      INFOBIP_MESSAGE_ID: 'message',
    });
    const calls = (labels: Record<string, string>) => (samples: Sample[]) =>
      total(samples, 'otp_provider_call_duration_seconds_count', {
        provider: 'infobip',
        operation: 'send',
        ...labels,
      });
    await send();
    for (let i = 0; i < 4; i += 1) {
      await down.http.post('/otp/send').send({ phoneNumber: `+1415555267${i}` });
    }

    const samplesOfDown = await scrape(down.url);
    expect(calls({ outcome: 'ok' })(await scrape(service.url))).toBe(1);
    expect(calls({ outcome: 'connection_failed' })(samplesOfDown)).toBeGreaterThanOrEqual(5);
    // An open circuit rejects a send before it counts as one.
    const failed = total(samplesOfDown, 'otp_sends_total', { provider: 'none', outcome: 'failed' });
    expect([3, 4]).toContain(failed);
    const circuit = (state: string) =>
      total(samplesOfDown, 'otp_provider_circuit_state', {
        provider: 'infobip',
        operation: 'send',
        state,
      });
    expect(['closed', 'half_open', 'open'].map(circuit)).toEqual([0, 0, 1]);
    await down.close();
  });

  it('has metrics of the Node process', async () => {
    const names = new Set((await scrape(service.url)).map(({ name }) => name));

    expect([...names]).toEqual(
      expect.arrayContaining(['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes']),
    );
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
