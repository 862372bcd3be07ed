import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hours } from '../../src/common/durations.js';
import { CleanupService } from '../../src/storage/cleanup.service.js';
import { wrongCode } from '../support/wrong-code.js';
import { scrape, total } from '../support/metrics.js';
import { connectTo } from '../support/raw-connection.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';
/** The sandbox answers a send to this magic number after two seconds. */
const SLOW_NUMBER = '+12095550123';
const POST_HEAD =
  'POST /otp/send HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('The log of the service', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService();
  });

  afterEach(() => service.close());

  const send = () => service.http.post('/otp/send').send({ phoneNumber: NUMBER });

  it('has one line for the request and one for the send, both with the X-Request-Id of the client', async () => {
    const requestId = randomUUID();
    const response = await send().set('x-request-id', requestId).set('traceparent', TRACEPARENT);

    expect(response.headers['x-request-id']).toBe(requestId);
    const lines = service.log.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter((line) => line['requestId'] === requestId)).toEqual([
      {
        level: 'info',
        time: expect.any(String),
        requestId,
        traceparent: TRACEPARENT,
        pinId: `${(response.body.pinId as string).slice(0, 8)}…`,
        client: 'anonymous',
        country: 'US',
        channel: 'sms',
        provider: 'infobip',
        outcome: 'accepted',
        durationMs: expect.any(Number),
        msg: 'send',
      },
      {
        level: 'info',
        time: expect.any(String),
        requestId,
        traceparent: TRACEPARENT,
        method: 'POST',
        route: '/otp/send',
        status: 200,
        client: 'anonymous',
        durationMs: expect.any(Number),
        msg: 'request',
      },
    ]);
  });

  it('has a line for each step of a verification', async () => {
    const { pinId } = (await send()).body;
    const [code = ''] = await service.getReceivedCodes(NUMBER);
    await service.http.post('/otp/verify').send({ pinId, otpCode: wrongCode(code) });
    await service.http.post('/otp/verify').send({ pinId, otpCode: code });
    service.clock.advance(60_000);
    const second = (await send()).body.pinId as string;
    service.clock.advance(60_000);
    await service.http.post('/otp/resend').send({ pinId: second });
    // A verification that has ended stays as it is, and has no further line.
    for (const ended of [second, second, pinId]) await service.http.delete(`/otp/${ended}`);

    const steps = service.log.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => 'pinId' in line)
      .map(({ msg, outcome }) => [msg, outcome]);
    expect(steps).toEqual([
      ['send', 'accepted'],
      ['verify', 'wrong_code'],
      ['verify', 'verified'],
      ['send', 'accepted'],
      ['resend', 'accepted'],
      ['cancel', undefined],
    ]);
  });

  it('has the problem code in the line of a rejected request', async () => {
    await send();
    await send();

    expect(service.log.events('request')).toMatchObject([
      { status: 200 },
      { status: 429, problem: 'cooldown_active' },
    ]);
  });

  it('says once that the clock was set back, and once that it is right again', async () => {
    // A clock that is set forward is not reported.
    const cleanup = service.app.get(CleanupService);
    for (const jumpMs of [0, -hours(2), 0, hours(2), 0]) {
      service.clock.moveWallClock(jumpMs);
      await cleanup.runOnce();
    }

    expect(service.log.text.match(/The clock [^"]+/g)).toEqual([
      'The clock was set back. Times in the database are 7200 s ahead of it.',
      'The clock is right again.',
    ]);
  });

  it('has no line for health checks and metrics', async () => {
    await service.http.get('/health/live');
    await service.http.get('/health/ready');
    await service.http.get('/metrics');

    expect(service.log.events('request')).toEqual([]);
  });

  it.each([
    ['a UUID', 'a0000000-0000-4000-8000-012345678901'],
    ['a trace id', '4bf92f3577b34da6a300000000000736'],
    ['a span id', '00f0670000000000'],
    ['a name and a number', 'checkout-20261121.77_b'],
  ])('accepts %s as the request id', async (_what, requestId) => {
    const { headers } = await send().set('x-request-id', requestId);

    expect(headers['x-request-id']).toBe(requestId);
    expect(service.log.events('request')).toMatchObject([{ requestId }]);
  });

  it.each([
    ['is a phone number', '+14155552671'],
    ['has only digits', '14155552671'],
    ['has only digits and hyphens', '1-415-555-2671'],
    ['contains a phone number', 'login-14155552671'],
    ['could be a code', 'a1b2c3d4e5'],
    ['is too long', 'a'.repeat(129)],
    ['contains a space', 'ab cd efgh ij'],
    ['contains an API key', `shop-otp_${'aB3-_'.repeat(9)}`],
  ])('replaces a request id that %s', async (_what, requestId) => {
    const { headers } = await send().set('x-request-id', requestId);

    expect(headers['x-request-id']).toMatch(UUID);
    expect(service.log.text).not.toContain(requestId);
  });

  it.each([
    ['is its idempotency key', { 'idempotency-key': 'order.4711.abcd' }],
    ['contains its idempotency key', { 'idempotency-key': '.4711.' }],
    ['is its API key', { authorization: 'Bearer order.4711.abcd' }],
    ['is a part of its API key', { authorization: 'Bearer my-order.4711.abcd-key' }],
  ])('replaces a request id that %s', async (_what, secrets) => {
    const { headers } = await send().set({ 'x-request-id': 'order.4711.abcd', ...secrets });

    expect(headers['x-request-id']).toMatch(UUID);
    expect(service.log.text).not.toContain('.4711.');
  });

  it.each(['', 'Bearer'])(
    'accepts a request id with an empty API key (%p)',
    async (authorization) => {
      const ids = { 'x-request-id': 'order-4711-abcd', authorization, 'idempotency-key': '' };
      const { headers } = await send().set(ids);

      expect(headers['x-request-id']).toBe('order-4711-abcd');
    },
  );

  it.each([
    ['another version', '01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
    ['no trace', '00-00000000000000000000000000000000-00f067aa0ba902b7-01'],
    ['capitals', TRACEPARENT.toUpperCase()],
  ])('ignores a traceparent with %s', async (_what, traceparent) => {
    await send().set('traceparent', traceparent);

    expect(service.log.text).not.toContain('traceparent');
  });

  it.each([
    ['a path that cannot be decoded', '/otp/%ff'],
    ['no such path', '/nowhere'],
  ])('accepts the request id of a request with %s', async (_what, path) => {
    const connection = await connectTo(service.url);
    connection.write(
      `GET ${path} HTTP/1.1\r\nhost: localhost\r\nx-request-id: abcd-efgh.1\r\nconnection: close\r\n\r\n`,
    );

    const answer = await connection.answer;
    expect(answer).toContain('x-request-id: abcd-efgh.1');
    expect(answer).toContain('"requestId":"abcd-efgh.1"');
  });

  it.each([
    [
      'a path that cannot be decoded',
      'GET /otp/%ff HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    ],
    ['an invalid request line', 'HELLO\r\n\r\n'],
    ['an invalid chunked body', `${POST_HEAD}transfer-encoding: chunked\r\n\r\nx\r\n`],
  ])('has one line, and the metrics have one sample, for %s', async (_what, bytes) => {
    const connection = await connectTo(service.url);
    const { length: linesBefore } = service.log.lines;
    connection.write(bytes);

    const [head = '', body = ''] = (await connection.answer).split('\r\n\r\n');
    const { requestId, status, code } = JSON.parse(body) as Record<string, unknown>;
    expect(head).toContain(`x-request-id: ${String(requestId)}`);
    expect(service.log.lines).toHaveLength(linesBefore + 1);
    expect(service.log.events('request')).toMatchObject([{ requestId, status, problem: code }]);
    const samples = await scrape(service.url);
    const name = 'otp_http_request_duration_seconds_count';
    expect(total(samples, name, { status: String(status) })).toBe(1);
    // The request for the metrics itself.
    expect(total(samples, 'otp_http_requests_in_flight')).toBe(1);
  });

  it('has one line, and the metrics have one sample, for each request that times out, but none for a silent connection', async () => {
    const incompleteRequests = [
      'GET /otp/a HTTP/1.1\r\nhost: localhost\r\n',
      `${POST_HEAD}content-length: 9\r\n\r\n{`,
    ];
    const { length: linesBefore } = service.log.lines;

    const [responseWithoutRequest, ...responses] = await Promise.all(
      ['', ...incompleteRequests].map(async (bytes) => {
        const connection = await connectTo(service.url);
        if (bytes !== '') connection.write(bytes);
        return connection.answer;
      }),
    );

    expect(responseWithoutRequest).toBe('');
    const ids = responses.map((response) => {
      const problem = JSON.parse(response.split('\r\n\r\n')[1] ?? '') as Record<string, unknown>;
      expect(response).toContain(`x-request-id: ${String(problem['requestId'])}`);
      return problem['requestId'];
    });
    expect(service.log.lines).toHaveLength(linesBefore + incompleteRequests.length);
    const lines = service.log.events('request');
    expect(new Set(lines.map(({ requestId }) => requestId))).toEqual(new Set(ids));
    for (const line of lines)
      expect(line).toMatchObject({ status: 408, problem: 'request_timeout' });
    const samples = await scrape(service.url);
    const name = 'otp_http_request_duration_seconds_count';
    expect(total(samples, name, { status: '408' })).toBe(incompleteRequests.length);
    expect(total(samples, 'otp_http_requests_in_flight')).toBe(1);
  });

  it('has status 499 and the outcome of the send if the client disconnects', async () => {
    const connection = await connectTo(service.url);
    const body = JSON.stringify({ phoneNumber: NUMBER });
    const line = service.log.next((text) => text.includes('"msg":"send"'));
    connection.write(`${POST_HEAD}content-length: ${body.length}\r\n\r\n${body}`);
    connection.answer.catch(() => undefined);
    connection.close();
    await line;

    expect(service.log.events('send')).toMatchObject([{ outcome: 'accepted' }]);
    expect(service.log.events('request')).toMatchObject([{ status: 499 }]);
  });

  // This test fails without `isAborted` in problem.filter.ts.
  it.each([
    ['closes the connection', 'close', 400],
    ['resets the connection', 'reset', 499],
  ] as const)(
    'has no error if a client %s before its body is complete',
    async (_what, end, status) => {
      const connection = await connectTo(service.url);
      const line = service.log.next((text) => text.includes('"msg":"request"'));
      connection.write(`${POST_HEAD}content-length: 9\r\n\r\n{`);
      connection.answer.catch(() => undefined);
      while (total(await scrape(service.url), 'otp_http_requests_in_flight') < 2);
      connection[end]();
      await line;

      expect(service.log.events('request')).toMatchObject([{ status }]);
      expect(service.log.text).not.toMatch(/internal_error|"level":"(warn|error)"/);
    },
  );

  // This test fails without `onResponseEnd` in request-tracking.ts.
  it('has status 499 for every pipelined request if the client disconnects', async () => {
    const inFlight = async () => total(await scrape(service.url), 'otp_http_requests_in_flight');
    const connection = await connectTo(service.url);
    connection.answer.catch(() => undefined);
    const body = JSON.stringify({ phoneNumber: SLOW_NUMBER });
    const line = service.log.next((text) => text.includes('"msg":"send"'));
    connection.write(`${POST_HEAD}content-length: ${body.length}\r\n\r\n${body}`);
    connection.write(
      'GET /otp/q8Jt1Xn0S2uYp4rVb6wLzA HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(20),
    );
    // 21 pipelined requests, and the request for the metrics itself.
    while ((await inFlight()) < 22);
    connection.close();
    await line;

    const statuses = service.log.events('request').map(({ status }) => status);
    expect(statuses).toEqual(Array(21).fill(499));
    expect(await inFlight()).toBe(1);
  });
});

describe('A provider call', () => {
  it('has the x-request-id of the request, and no traceparent', async () => {
    const receivedHeaders: IncomingHttpHeaders[] = [];
    const provider = createServer((request, response) => {
      // The account check at the start of the service only sends GET requests.
      if (request.method === 'POST') receivedHeaders.push(request.headers);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ pinId: 'ABC', smsStatus: 'MESSAGE_SENT' }));
    }).listen(0, '127.0.0.1');
    await once(provider, 'listening');
    const { port } = provider.address() as AddressInfo;
    const service = await startService({
      INFOBIP_BASE_URL: `http://127.0.0.1:${port}`,
      INFOBIP_API_KEY: 'key',
      INFOBIP_APP_ID: 'application',
      INFOBIP_MESSAGE_ID: 'message',
    });
    const send = (number: string) =>
      service.http
        .post('/otp/send')
        .send({ phoneNumber: number })
        .set('x-request-id', 'abcd-efgh.1');

    await send(NUMBER).set('traceparent', TRACEPARENT);

    expect(receivedHeaders).toMatchObject([{ 'x-request-id': 'abcd-efgh.1' }]);
    expect(receivedHeaders[0]).not.toHaveProperty('traceparent');
    await service.close();
    provider.close();
  });
});
