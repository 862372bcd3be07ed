import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { scrape, total } from '../support/metrics.js';
import { connectTo } from '../support/raw-connection.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const KEY = 'the-key-of-the-shop';
const BODY = '{"phoneNumber":"+14155552671"}';
/** The body in one chunk of 30 bytes: 1e in hexadecimal. */
const CHUNKS = `1e\r\n${BODY}\r\n0\r\n\r\n`;
const LONG = 'b'.repeat(20_000);

/** A liveness request with these header lines. */
const get = (...lines: string[]) => `GET /health/live HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
/** A lookup with these header lines, further ones, and a body. */
const post = (lines: string[], body = BODY) =>
  [
    'POST /otp/numbers/lookup HTTP/1.1',
    'host: x',
    'connection: close',
    'content-type: application/json',
    ...lines,
    '',
    body,
  ].join('\r\n');
const contentLength = `content-length: ${String(BODY.length)}`;
const chunked = 'transfer-encoding: chunked';

type Case = readonly [name: string, bytes: string];

const INVALID_REQUEST_LINE: Case = ['an invalid request line', 'HELLO\r\n\r\n'];
const CONNECT: Case = [
  'CONNECT',
  'CONNECT api.example.com:443 HTTP/1.1\r\nhost: api.example.com:443\r\n\r\n',
];

const MALFORMED: Case[] = [
  INVALID_REQUEST_LINE,
  ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  CONNECT,
  ['a NUL in the path', 'GET /otp/a\0b HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['lines that end with LF only', 'GET /health/live HTTP/1.1\nhost: x\n\n'],
  ['no Host', get('connection: close')],
  ['two Host lines', get('host: x', 'host: x')],
  [
    'a second Host line after 2,100 others',
    get('host: x', ...Array<string>(2_100).fill('a:'), 'host: x'),
  ],
  ['a Host with a space', get('host: x y')],
  ['a Host with a space, for a page', get('host: x y').replace('/health/live', '/docs')],
  ['a Host with a path', get('host: http://x/')],
  ['a Host with a user', get('host: user@x')],
  ['a Host with a bad port', get('host: x:y')],
  [
    'two Authorization lines',
    get('host: x', `authorization: Bearer ${KEY}`, 'Authorization: Bearer x'),
  ],
  ['a header that is continued on the next line', get('host: x', 'a: b', ' c')],
  ['a space before the colon of a header', get('host : x')],
  ['two Content-Type lines', post([contentLength, 'content-type: text/plain'])],
  ['two Idempotency-Key lines', post([contentLength, 'idempotency-key: a', 'idempotency-key: b'])],
  ['two Content-Length lines', post([contentLength, contentLength])],
  ['a list of lengths', post([`${contentLength}, 30`])],
  ['a signed length', post(['content-length: +30'])],
  ['Content-Length and Transfer-Encoding', post([contentLength, chunked], CHUNKS)],
  ['Transfer-Encoding twice', post([chunked, chunked], CHUNKS)],
  ['an unknown transfer coding', post(['transfer-encoding: gzip, chunked'], CHUNKS)],
  ['a transfer coding after chunked', post(['transfer-encoding: chunked, gzip'], CHUNKS)],
  ['Transfer-Encoding in HTTP/1.0', post([chunked], CHUNKS).replace('HTTP/1.1', 'HTTP/1.0')],
  ['a chunk without a length', post([chunked], 'x\r\n')],
  ['a chunk that is longer than its length', post([chunked], `1d\r\n${BODY}\r\n0\r\n\r\n`)],
];

const TOO_LARGE: Case[] = [
  ['a header', get('host: x', `a: ${LONG}`)],
  ['a path', `GET /${LONG} HTTP/1.1\r\nhost: x\r\n\r\n`],
  ['a trailer', post([chunked], `1e\r\n${BODY}\r\n0\r\na: ${LONG}\r\n\r\n`)],
];

const ACCEPTED: Case[] = [
  ['an IPv6 address and a port in Host', get('host: [::1]:3000', 'connection: close')],
  ['an underscore in Host', get('host: otp_service', 'connection: close')],
  ['an empty Host', get('host:', 'connection: close')],
  [
    'another host in an absolute target',
    get('host: x', 'connection: close').replace('/', 'http://y/'),
  ],
  ['Content-Encoding: identity', post([contentLength, 'content-encoding: identity'])],
  ['chunk extensions', post([chunked], CHUNKS.replace('1e', '1e;a="b"'))],
  ['trailers', post([chunked], CHUNKS.replace('0\r\n', '0\r\nauthorization: x\r\nhost: y\r\n'))],
];

/** As many pipelined requests as a connection may have, according to `docs/api.md`. */
const MAX_PIPELINED = 32;

describe('Pipelined requests', () => {
  let service: SandboxedService;

  beforeAll(async () => {
    service = await startSandboxedService();
  });

  afterAll(() => service.close());

  const REQUEST = 'GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n';
  const LAST_REQUEST = 'GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n';

  /** Sends requests at once. @returns the statuses of their responses */
  async function pipeline(count: number): Promise<string[]> {
    const connection = await connectTo(service.url);
    connection.write(REQUEST.repeat(count - 1) + LAST_REQUEST);
    const answer = await connection.answer.catch(() => '');
    return Array.from(answer.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status = '']) => status);
  }

  it('are all answered', async () => {
    expect(await pipeline(MAX_PIPELINED)).toEqual(Array(MAX_PIPELINED).fill('404'));
  });

  // This test fails without `MAX_PENDING_REQUESTS` in request-tracking.ts.
  it('close their connection if they are too many, and cost nothing more', async () => {
    const countRequests = () => service.log.events('request').length;
    const before = countRequests();

    // The first one may be answered before the others are parsed.
    expect((await pipeline(1_000)).length).toBeLessThanOrEqual(1);

    expect(countRequests() - before).toBeLessThanOrEqual(MAX_PIPELINED + 1);
    await service.http.get('/health/live').expect(200);
  });
});

describe('A request', () => {
  let service: SandboxedService;

  beforeAll(async () => {
    service = await startSandboxedService({
      // Liveness requests are logged only at level debug.
      LOG_LEVEL: 'debug',
      // On a loopback address, only names of this machine are accepted in Host.
      HOST: '0.0.0.0',
      ALLOW_UNAUTHENTICATED: 'true',
    });
  });

  afterAll(() => service.close());

  async function exchange(bytes: string) {
    const connection = await connectTo(service.url);
    connection.write(bytes);
    const [head = '', body = ''] = (await connection.answer).split('\r\n\r\n');
    return { head, body };
  }

  /** Expects one problem document on a connection that is then closed, and its line in the log. */
  async function expectRejection(bytes: string, status: number, code: string): Promise<void> {
    const { head, body } = await exchange(bytes);
    const problem = JSON.parse(body) as { requestId: string };

    expect(problem).toMatchObject({ code, status, instance: expect.any(String) });
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${String(status)} `));
    expect(head).toContain('content-type: application/problem+json');
    expect(head).toContain('cache-control: no-store');
    expect(head).toMatch(/\r\nconnection: close/i);
    expect(head).toContain(`x-request-id: ${problem.requestId}`);
    expect(
      service.log.events('request').filter(({ requestId }) => requestId === problem.requestId),
    ).toEqual([expect.objectContaining({ status, problem: code })]);
  }

  it.each(MALFORMED)('with %s gets 400', async (_what, bytes) => {
    await expectRejection(bytes, 400, 'malformed_body');
  });

  it.each(TOO_LARGE)('with %s that is too large gets 431', async (_what, bytes) => {
    await expectRejection(bytes, 431, 'headers_too_large');
  });

  it('with chunk extensions that are too large gets 413', async () => {
    const bytes = post([chunked], CHUNKS.replace('1e', `1e;a=${LONG}`));

    await expectRejection(bytes, 413, 'payload_too_large');
  });

  it.each(ACCEPTED)('with %s is accepted', async (_what, bytes) => {
    expect((await exchange(bytes)).head).toMatch(/^HTTP\/1\.1 200 /);
  });

  // This test fails without `closeAfterResponse`: the connection stays open for ever.
  it.each([INVALID_REQUEST_LINE, CONNECT])(
    'with %s gets its connection closed even if the client never closes it',
    async (_what, bytes) => {
      const accepted = once(service.app.getHttpServer(), 'connection') as Promise<[Socket]>;
      const client = connect({ port: Number(new URL(service.url).port), allowHalfOpen: true });
      const [socket] = await accepted;
      const closed = once(socket, 'close');
      client.resume().write(bytes);

      await closed;
      client.destroy();
    },
  );

  // This test fails without an `error` listener on the socket of a CONNECT: the process ends.
  it('with CONNECT whose connection is reset does not end the service', async () => {
    const accepted = once(service.app.getHttpServer(), 'connection') as Promise<[Socket]>;
    const connection = await connectTo(service.url);
    connection.answer.catch(() => undefined);
    const [socket] = await accepted;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    connection.write(CONNECT[1]);
    await once(service.app.getHttpServer(), 'connect');
    connection.reset();
    await closed;

    expect((await service.http.get('/health/live')).status).toBe(200);
  });

  it('that is not valid HTTP is counted in the metrics', async () => {
    const count = async () =>
      total(await scrape(service.url), 'otp_rejections_total', { reason: 'headers_too_large' });
    const countBefore = await count();
    await exchange(get('host: x', `a: ${LONG}`));

    expect((await count()) - countBefore).toBe(1);
  });
});
