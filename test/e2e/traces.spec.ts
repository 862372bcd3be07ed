import { randomUUID } from 'node:crypto';
import { newApiKey } from '../support/api-key.js';
import { SecretScanner } from '../support/leak/secret-scanner.js';
import { startOtlpCollector, type OtlpCollector } from '../support/otlp-collector.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';
/** The sandbox answers a send to this magic number with status 500. */
const FAILING_NUMBER = '+12145550123';
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const CLIENT_SPAN_ID = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE_ID}-${CLIENT_SPAN_ID}-01`;
const UNSAMPLED_TRACEPARENT = `00-${TRACE_ID}-${CLIENT_SPAN_ID}-00`;

let collector: OtlpCollector;
let service: SandboxedService;

beforeEach(async () => {
  collector = await startOtlpCollector();
});

afterEach(() => collector.close());

const start = async (settings: NodeJS.ProcessEnv = {}): Promise<void> => {
  service = await startSandboxedService({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    ...settings,
  });
};

const send = (phoneNumber = NUMBER) => service.http.post('/otp/send').send({ phoneNumber });

/** The spans without times and ids. The span of the request comes first. */
const describeSpans = () =>
  collector.spans
    .map(({ name, kind, attributes, error }) => ({ name, kind, attributes, error }))
    .sort((a, b) => Number(b.kind === 'server') - Number(a.kind === 'server'));

const storageSpan = (operation: string) => ({
  name: `storage ${operation}`,
  kind: 'internal',
  attributes: { 'otp.operation': operation },
  error: undefined,
});

// Spans are exported in batches: each test closes the service before it reads them.
describe('The traces of the service', () => {
  it('have a span for a send, for its storage operations and for the provider call', async () => {
    await start();
    await send();
    await service.close();

    expect(describeSpans()).toEqual([
      {
        name: 'POST /otp/send',
        kind: 'server',
        attributes: {
          'http.request.method': 'POST',
          'http.route': '/otp/send',
          'http.response.status_code': 200,
          'otp.client': 'anonymous',
        },
        error: undefined,
      },
      storageSpan('reserveSend'),
      {
        name: 'infobip send',
        kind: 'client',
        attributes: { 'otp.provider': 'infobip', 'otp.operation': 'send' },
        error: undefined,
      },
      storageSpan('confirmSend'),
    ]);
    const { spans } = collector;
    const request = spans.find(({ kind }) => kind === 'server');
    expect(request?.parentSpanId).toBeUndefined();
    for (const step of spans.filter((span) => span !== request)) {
      expect(step.traceId).toBe(request?.traceId);
      expect(step.parentSpanId).toBe(request?.spanId);
      expect(step.start >= (request?.start ?? 0n) && step.end >= step.start).toBe(true);
      expect(step.end <= (request?.end ?? 0n)).toBe(true);
    }
  });

  it("have a span for a verify request, as a child of the client's span in traceparent", async () => {
    await start();
    const { pinId } = (await send().set('traceparent', UNSAMPLED_TRACEPARENT)).body;
    const [otpCode] = await service.getReceivedCodes(NUMBER);
    await service.http.post('/otp/verify').send({ pinId, otpCode }).set('traceparent', TRACEPARENT);
    await service.close();

    expect(describeSpans()).toMatchObject([
      { name: 'POST /otp/verify', kind: 'server', attributes: { 'http.route': '/otp/verify' } },
      storageSpan('reserveAttempt'),
      { name: 'infobip verify', kind: 'client' },
      storageSpan('completeAttempt'),
    ]);
    expect(collector.spans.map(({ traceId }) => traceId)).toEqual(Array(4).fill(TRACE_ID));
    const request = collector.spans.find(({ kind }) => kind === 'server');
    expect(request?.parentSpanId).toBe(CLIENT_SPAN_ID);
  });

  it.each([
    ['get', '/otp/:pinId', 'find', 200],
    ['delete', '/otp/:pinId', 'cancel', 204],
    ['post', '/otp/numbers/lookup', 'lastVerifiedAt', 200],
    ['post', '/otp/numbers/erase', 'erase', 204],
    ['post', '/otp/resend', 'reserveResend', 429],
  ] as const)('have a span for %s %s, named by the route instead of the path', async (...route) => {
    const [method, path, operation, status] = route;
    await start();
    const { pinId } = (await send().set('traceparent', UNSAMPLED_TRACEPARENT)).body;
    const body = path === '/otp/resend' ? { pinId } : { phoneNumber: NUMBER };
    const request = service.http[method](path.replace(':pinId', pinId));
    await (method === 'post' ? request.send(body) : request);
    await service.close();

    expect(describeSpans()).toMatchObject([
      {
        name: `${method.toUpperCase()} ${path}`,
        attributes: { 'http.response.status_code': status },
      },
      storageSpan(operation),
    ]);
  });

  it('have the code of a problem, and no error if its status is below 500', async () => {
    await start();
    await send().set('traceparent', UNSAMPLED_TRACEPARENT);
    await send();
    await service.http.get('/nowhere');
    await service.close();

    const requests = describeSpans().filter(({ kind }) => kind === 'server');
    expect(requests).toMatchObject([
      { attributes: { 'otp.problem': 'cooldown_active' }, error: undefined },
      { name: 'GET', attributes: { 'otp.problem': 'not_found' }, error: undefined },
    ]);
  });

  it('have the error of a failing provider in the spans of the request and of each call', async () => {
    await start({ PROVIDERS: 'infobip,sinch' });
    await send(FAILING_NUMBER);
    await service.close();

    const error = (code: string) => ({ attributes: { 'error.type': code }, error: code });
    expect(describeSpans()).toMatchObject([
      { name: 'POST /otp/send', ...error('provider_error') },
      storageSpan('reserveSend'),
      { name: 'infobip send', ...error('server_error') },
      { name: 'sinch send', ...error('server_error') },
      storageSpan('releaseSend'),
    ]);
  });

  it('contain no request whose traceparent is not sampled', async () => {
    await start();
    await send().set('traceparent', UNSAMPLED_TRACEPARENT);
    await service.close();

    expect(collector.requests).toEqual([]);
    expect(service.log.events('send')).toMatchObject([{ traceId: TRACE_ID }]);
  });

  it('contain the share of requests that OTEL_TRACES_SAMPLER_ARG sets, and those with a sampled traceparent', async () => {
    await start({ OTEL_TRACES_SAMPLER_ARG: '0' });
    await send();
    await service.http.get('/nowhere').set('traceparent', TRACEPARENT);
    await service.close();

    expect(describeSpans()).toMatchObject([{ name: 'GET' }]);
  });

  it('contain no health check and no metrics', async () => {
    await start();
    for (const path of ['/health/live', '/health/ready', '/metrics']) await service.http.get(path);
    await service.close();

    expect(collector.requests).toEqual([]);
  });

  it('have their ids in the log lines of a request', async () => {
    await start();
    await send(FAILING_NUMBER);
    await service.close();

    const [{ traceId } = { traceId: '' }] = collector.spans;
    for (const message of ['send', 'request', 'request failed']) {
      expect(service.log.events(message)).toMatchObject([{ traceId }]);
    }
  });

  it('are sent with the headers and the service name of the settings', async () => {
    await start({
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc,x-scope=otp',
      OTEL_SERVICE_NAME: 'otp-eu',
    });
    await send();
    await service.close();

    expect(collector.requests).toMatchObject([
      { path: '/v1/traces', headers: { authorization: 'Bearer abc', 'x-scope': 'otp' } },
    ]);
    expect(collector.resources).toEqual([
      { 'service.name': 'otp-eu', 'service.instance.id': expect.any(String) },
    ]);
  });

  it('contain no number, pinId, reference, key, IP address or header', async () => {
    const { key, entry } = newApiKey('shop');
    await start({ API_KEYS: entry, TRUST_PROXY: '127.0.0.1' });
    const secrets = {
      idempotencyKey: randomUUID(),
      reference: randomUUID(),
      endUserIp: '203.0.113.77',
      clientIp: '198.51.100.88',
      requestId: randomUUID(),
      userAgent: 'browser-of-ann',
      state: 'vendor=ann-example-com',
    };
    const headers = {
      authorization: `Bearer ${key}`,
      'idempotency-key': secrets.idempotencyKey,
      'x-forwarded-for': secrets.clientIp,
      'x-request-id': secrets.requestId,
      'user-agent': secrets.userAgent,
      traceparent: TRACEPARENT,
      tracestate: secrets.state,
    };
    const { reference, endUserIp } = secrets;
    const body = { phoneNumber: NUMBER, reference, endUserIp };
    const { pinId } = (await service.http.post('/otp/send').set(headers).send(body)).body;
    const [otpCode = ''] = await service.getReceivedCodes(NUMBER);
    const attempt = { pinId, otpCode, reference };
    const { authorization } = headers;
    await service.http.post('/otp/verify').set({ authorization }).send(attempt);
    await service.http.get(`/otp/${pinId}?code=${otpCode}`).set({ authorization });
    const [providerPinId = ''] = await service.getProviderPinIds(NUMBER);
    await service.close();

    const scanner = new SecretScanner();
    const values = { ...secrets, key, pinId, number: NUMBER.slice(2), providerPinId };
    for (const [kind, value] of Object.entries(values)) scanner.add(kind, value);
    const { text } = collector;
    expect(scanner.scan(text)).toEqual([]);
    // A text with a secret, to show that the scanner finds it.
    expect(scanner.scan(`${pinId}${text}`)).toHaveLength(1);
    // Four spans each for send and verify, and two for the status.
    expect(collector.spans).toHaveLength(10);
    // The scanner does not search for values as short as a code.
    const attributes = collector.spans.flatMap((span) => Object.values(span.attributes));
    expect(attributes.join('\n')).not.toContain(otpCode);
  });
});
