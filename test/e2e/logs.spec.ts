import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { wrong } from '../support/codes.js';
import { scrape, total } from '../support/metrics.js';
import { connectTo } from '../support/raw-connection.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';
/** Texts to it take the sandbox two seconds. */
const SLOW_NUMBER = '+12095550123';
const POST_HEAD = 'POST /otp/send HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('The log', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService();
  });

  afterEach(() => service.close());

  const send = () => service.http.post('/otp/send').send({ phoneNumber: NUMBER });

  it('has one line a request and one a move, all with the id that the caller gave', async () => {
    const requestId = randomUUID();
    const answer = await send().set('x-request-id', requestId).set('traceparent', TRACEPARENT);

    expect(answer.headers['x-request-id']).toBe(requestId);
    const lines = service.log.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter((line) => line['requestId'] === requestId)).toEqual([
      {
        level: 'info',
        time: expect.any(String),
        requestId,
        traceparent: TRACEPARENT,
        pinId: `${(answer.body.pinId as string).slice(0, 8)}…`,
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

  it('tells the whole life of a verification', async () => {
    const { pinId } = (await send()).body;
    const [code = ''] = await service.codesOf(NUMBER);
    await service.http.post('/otp/verify').send({ pinId, otpCode: wrong(code) });
    await service.http.post('/otp/verify').send({ pinId, otpCode: code });
    service.clock.advance(60_000);
    const second = (await send()).body.pinId as string;
    service.clock.advance(60_000);
    await service.http.post('/otp/resend').send({ pinId: second });
    await service.http.delete(`/otp/${second}`);

    const moves = service.log.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => 'pinId' in line)
      .map(({ msg, outcome }) => [msg, outcome]);
    expect(moves).toEqual([
      ['send', 'accepted'],
      ['verify', 'wrong_code'],
      ['verify', 'verified'],
      ['send', 'accepted'],
      ['resend', 'accepted'],
      ['cancel', undefined],
    ]);
  });

  it('says with a refusal what was wrong', async () => {
    await send();
    await send();

    expect(service.log.events('request')).toMatchObject([
      { status: 200 },
      { status: 429, problem: 'cooldown_active' },
    ]);
  });

  it('is quiet about probes', async () => {
    await service.http.get('/health/live');
    await service.http.get('/health/ready');
    await service.http.get('/metrics');

    expect(service.log.events('request')).toEqual([]);
  });

  it.each([
    ['a UUID', 'a0000000-0000-4000-8000-012345678901'],
    ['the id of a trace', '4bf92f3577b34da6a300000000000736'],
    ['the id of a span', '00f0670000000000'],
    ['a name and a number', 'checkout-20261121.77_b'],
  ])('has %s for a request id', async (_what, requestId) => {
    const { headers } = await send().set('x-request-id', requestId);

    expect(headers['x-request-id']).toBe(requestId);
    expect(service.log.events('request')).toMatchObject([{ requestId }]);
  });

  it.each([
    ['is a phone number', '+14155552671'],
    ['has only digits', '14155552671'],
    ['has only digits and hyphens', '1-415-555-2671'],
    ['has a phone number in it', 'login-14155552671'],
    ['may be a code', 'a1b2c3d4e5'],
    ['is too long', 'a'.repeat(129)],
    ['has a space', 'ab cd efgh ij'],
    ['has an API key in it', `shop-otp_${'aB3-_'.repeat(9)}`],
  ])('does not take a request id that %s', async (_what, requestId) => {
    const { headers } = await send().set('x-request-id', requestId);

    expect(headers['x-request-id']).toMatch(UUID);
    expect(service.log.text).not.toContain(requestId);
  });

  it.each([
    ['is its idempotency key', { 'idempotency-key': 'order-4711-text' }],
    ['holds its idempotency key', { 'idempotency-key': '4711' }],
    ['is its API key', { authorization: 'Bearer order-4711-text' }],
    ['is a piece of its API key', { authorization: 'Bearer my-order-4711-text-key' }],
  ])('does not take a request id that %s', async (_what, secrets) => {
    const { headers } = await send().set({ 'x-request-id': 'order-4711-text', ...secrets });

    expect(headers['x-request-id']).toMatch(UUID);
    expect(service.log.text).not.toContain('4711');
  });

  it.each(['', 'Bearer'])('takes a request id beside an empty key (%p)', async (authorization) => {
    const ids = { 'x-request-id': 'order-4711-text', authorization, 'idempotency-key': '' };
    const { headers } = await send().set(ids);

    expect(headers['x-request-id']).toBe('order-4711-text');
  });

  it.each([
    ['another version', '01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
    ['no trace', '00-00000000000000000000000000000000-00f067aa0ba902b7-01'],
    ['capitals', TRACEPARENT.toUpperCase()],
  ])('does not take a traceparent with %s', async (_what, traceparent) => {
    await send().set('traceparent', traceparent);

    expect(service.log.text).not.toContain('traceparent');
  });

  it.each([
    ['a path that cannot be decoded', '/otp/%ff'],
    ['no such path', '/nowhere'],
  ])('has the id of a request with %s, as its problem document has', async (_what, path) => {
    const connection = await connectTo(service.url);
    connection.write(
      `GET ${path} HTTP/1.1\r\nhost: x\r\nx-request-id: abcd-efgh.1\r\nconnection: close\r\n\r\n`,
    );

    const answer = await connection.answer;
    expect(answer).toContain('x-request-id: abcd-efgh.1');
    expect(answer).toContain('"requestId":"abcd-efgh.1"');
  });

  it.each([
    [
      'a path that cannot be decoded',
      'GET /otp/%ff HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    ],
    ['a line that is no request', 'HELLO\r\n\r\n'],
    ['a body that is none', `${POST_HEAD}transfer-encoding: chunked\r\n\r\nx\r\n`],
  ])('and the metrics know of %s, once', async (_what, bytes) => {
    const connection = await connectTo(service.url);
    const { length } = service.log.lines;
    connection.write(bytes);

    const [head = '', body = ''] = (await connection.answer).split('\r\n\r\n');
    const { requestId, status, code } = JSON.parse(body) as Record<string, unknown>;
    expect(head).toContain(`x-request-id: ${String(requestId)}`);
    expect(service.log.lines).toHaveLength(length + 1);
    expect(service.log.events('request')).toMatchObject([{ requestId, status, problem: code }]);
    const samples = await scrape(service.url);
    const name = 'otp_http_request_duration_seconds_count';
    expect(total(samples, name, { status: String(status) })).toBe(1);
    // The scrape itself.
    expect(total(samples, 'otp_http_requests_in_flight')).toBe(1);
  });

  it('and the metrics know of each request that does not come in time, and of nothing else', async () => {
    const halves = ['GET /otp/a HTTP/1.1\r\nhost: x\r\n', `${POST_HEAD}content-length: 9\r\n\r\n{`];
    const { length } = service.log.lines;

    const [silent, ...answers] = await Promise.all(
      ['', ...halves].map(async (bytes) => {
        const connection = await connectTo(service.url);
        if (bytes !== '') connection.write(bytes);
        return connection.answer;
      }),
    );

    expect(silent).toBe('');
    const ids = answers.map((answer) => {
      const problem = JSON.parse(answer.split('\r\n\r\n')[1] ?? '') as Record<string, unknown>;
      expect(answer).toContain(`x-request-id: ${String(problem['requestId'])}`);
      return problem['requestId'];
    });
    expect(service.log.lines).toHaveLength(length + halves.length);
    const lines = service.log.events('request');
    expect(new Set(lines.map(({ requestId }) => requestId))).toEqual(new Set(ids));
    for (const line of lines)
      expect(line).toMatchObject({ status: 408, problem: 'request_timeout' });
    const samples = await scrape(service.url);
    const name = 'otp_http_request_duration_seconds_count';
    expect(total(samples, name, { status: '408' })).toBe(halves.length);
    expect(total(samples, 'otp_http_requests_in_flight')).toBe(1);
  });

  it('tells that a caller hung up, and what became of its text', async () => {
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

  // In problem.filter.ts: isAborted.
  it.each([
    ['closes its connection', 'close', 400],
    ['breaks its connection', 'reset', 499],
  ] as const)(
    'tells of no failure where a caller %s inside its body',
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

  // In request-tracking.ts: onResponseEnd.
  it('tells of every request whose answer waits when its caller hangs up', async () => {
    const inFlight = async () => total(await scrape(service.url), 'otp_http_requests_in_flight');
    const connection = await connectTo(service.url);
    connection.answer.catch(() => undefined);
    const body = JSON.stringify({ phoneNumber: SLOW_NUMBER });
    const line = service.log.next((text) => text.includes('"msg":"send"'));
    connection.write(`${POST_HEAD}content-length: ${body.length}\r\n\r\n${body}`);
    connection.write('GET /otp/q8Jt1Xn0S2uYp4rVb6wLzA HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(20));
    // With the scrape itself.
    while ((await inFlight()) < 22);
    connection.close();
    await line;

    const statuses = service.log.events('request').map(({ status }) => status);
    expect(statuses).toEqual(Array(21).fill(499));
    expect(await inFlight()).toBe(1);
  });
});

describe('A call to the provider', () => {
  it('carries the id of the request and its place in a trace', async () => {
    const heard: IncomingHttpHeaders[] = [];
    const provider = createServer((request, response) => {
      // Not the look at the account that the service takes when it starts.
      if (request.method === 'POST') heard.push(request.headers);
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
    await send('+14155552672');

    expect(heard).toMatchObject([
      { 'x-request-id': 'abcd-efgh.1', traceparent: TRACEPARENT },
      { 'x-request-id': 'abcd-efgh.1' },
    ]);
    expect(heard[1]).not.toHaveProperty('traceparent');
    await service.close();
    provider.close();
  });
});
