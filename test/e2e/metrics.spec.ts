import supertest from 'supertest';
import { wrong } from '../support/codes.js';
import { freePort } from '../support/free-port.js';
import { scrape, total, type Sample } from '../support/metrics.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';
const US = { country: 'US', channel: 'sms', provider: 'infobip' };

describe('The metrics', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService();
  });

  afterEach(() => service.close());

  const send = (phoneNumber = NUMBER) => service.http.post('/otp/send').send({ phoneNumber });
  const verify = (pinId: string, otpCode: string) =>
    service.http.post('/otp/verify').send({ pinId, otpCode });

  it('tell a conversion by one division', async () => {
    const { pinId } = (await send()).body;
    await send('+14155552672');
    const [code = ''] = await service.codesOf(NUMBER);
    await verify(pinId, wrong(code));
    await verify(pinId, code);

    const samples = await scrape(service.url);
    expect(total(samples, 'otp_sends_total', { ...US, outcome: 'accepted' })).toBe(2);
    expect(total(samples, 'otp_verifications_total', { ...US, outcome: 'verified' })).toBe(1);
    expect(total(samples, 'otp_verifications_total', { ...US, outcome: 'wrong_code' })).toBe(1);
    expect(total(samples, 'otp_resends_total')).toBe(0);
  });

  it('count a code that is sent again apart, by how it went', async () => {
    const { pinId } = (await send()).body;
    service.clock.advance(60_000);
    await service.http.post('/otp/resend').send({ pinId, channel: 'voice' });

    const samples = await scrape(service.url);
    expect(total(samples, 'otp_sends_total', { channel: 'sms' })).toBe(1);
    expect(
      total(samples, 'otp_resends_total', { ...US, channel: 'voice', outcome: 'accepted' }),
    ).toBe(1);
  });

  it('count every request by route and status, and none as still running', async () => {
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
    // The one that reads them.
    expect(total(samples, 'otp_http_requests_in_flight')).toBe(1);
  });

  it('count what was refused by its reason', async () => {
    const { pinId } = (await send()).body;
    await send();
    await service.http.delete(`/otp/${pinId}`);
    await verify(pinId, '123456');

    const samples = await scrape(service.url);
    expect(total(samples, 'otp_rejections_total', { reason: 'cooldown_active' })).toBe(1);
    expect(total(samples, 'otp_rejections_total', { reason: 'cancelled' })).toBe(1);
  });

  it('time the records, and tell what the guard thinks', async () => {
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

  it('time the calls of a provider by how they end, and tell of its circuits', async () => {
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

    const ofDown = await scrape(down.url);
    expect(calls({ outcome: 'ok' })(await scrape(service.url))).toBe(1);
    expect(calls({ outcome: 'connection_failed' })(ofDown)).toBeGreaterThanOrEqual(5);
    // Once the circuit is open a send is refused before it is one.
    const failed = total(ofDown, 'otp_sends_total', { provider: 'none', outcome: 'failed' });
    expect([3, 4]).toContain(failed);
    const circuit = (state: string) =>
      total(ofDown, 'otp_provider_circuit_state', {
        provider: 'infobip',
        operation: 'send',
        state,
      });
    expect(['closed', 'half_open', 'open'].map(circuit)).toEqual([0, 0, 1]);
    await down.close();
  });

  it('tell how the process does', async () => {
    const names = new Set((await scrape(service.url)).map(({ name }) => name));

    expect([...names]).toEqual(
      expect.arrayContaining(['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes']),
    );
  });
});

describe('Metrics with a port of their own', () => {
  it('are on that port only', async () => {
    const port = await freePort();
    const service = await startSandboxedService({ METRICS_PORT: String(port) });
    try {
      const own = supertest(`http://127.0.0.1:${port}`);

      expect((await service.http.get('/metrics')).status).toBe(404);
      expect((await own.get('/metrics')).text).toContain('otp_http_requests_in_flight 0');
      expect((await own.get('/otp/send')).status).toBe(404);
      expect((await own.post('/metrics')).status).toBe(404);
    } finally {
      await service.close();
    }
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
  });
});
