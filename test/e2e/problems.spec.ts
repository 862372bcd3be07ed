import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { providersConfig } from '../../src/config/providers.config.js';
import { testEnvironment } from '../support/config.js';
import { expectProblem } from '../support/problem.js';
import { connectTo } from '../support/raw-connection.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';
const BODY = JSON.stringify({ phoneNumber: NUMBER });
const POST_HEAD =
  'POST /otp/send HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';

describe('A request', () => {
  let service: SandboxedService;

  beforeAll(async () => {
    service = await startSandboxedService();
  });

  afterAll(() => service.close());

  const post = (path: string, body: string, type = 'application/json') =>
    service.http.post(path).set('content-type', type).send(body);

  it.each([
    ['no number', {}, '#/phoneNumber'],
    ['letters', { phoneNumber: '+1415CALLME' }, '#/phoneNumber'],
    ['no plus', { phoneNumber: '14155552671' }, '#/phoneNumber'],
    ['a zero after the country code', { phoneNumber: '+440 7911 123456' }, '#/phoneNumber'],
    ['a number that is too short', { phoneNumber: '+1415555' }, '#/phoneNumber'],
    ['an impossible number', { phoneNumber: '+10000000000' }, '#/phoneNumber'],
    ['a JSON number', { phoneNumber: 14155552671 }, '#/phoneNumber'],
    ['an unknown channel', { phoneNumber: NUMBER, channel: 'pigeon' }, '#/channel'],
    ['an invalid IP address', { phoneNumber: NUMBER, endUserIp: '1.2.3' }, '#/endUserIp'],
    [
      'a host name as an IP address',
      { phoneNumber: NUMBER, endUserIp: 'localhost' },
      '#/endUserIp',
    ],
    ['an unknown field', { phoneNumber: NUMBER, phone: NUMBER }, '#/phone'],
    ['a list for the number', { phoneNumber: [NUMBER] }, '#/phoneNumber'],
    ['a list in an unknown field', { phone: [NUMBER] }, '#/phone'],
    ['a field named constructor', { phoneNumber: NUMBER, constructor: 'x' }, '#/constructor'],
    [
      'a field named hasOwnProperty',
      { phoneNumber: NUMBER, hasOwnProperty: 'x' },
      '#/hasOwnProperty',
    ],
  ])('with %s gets the pointer of the invalid field', async (_what, body, pointer) => {
    const response = await service.http.post('/otp/send').send(body);

    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors).toEqual([{ pointer, detail: expect.any(String) }]);
  });

  it('with several invalid fields gets all of them at once', async () => {
    const response = await service.http.post('/otp/verify').send({ otpCode: 123456 });

    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '#/otpCode',
      '#/pinId',
    ]);
  });

  it.each(['{"phoneNumber":', '', '{"__proto__":{}}', '{"constructor":{"prototype":{}}}'])(
    'with invalid or unsafe JSON (%s) gets malformed_body',
    async (body) => {
      expectProblem(await post('/otp/send', body), 400, 'malformed_body');
    },
  );

  it.each(['null', '[]', '"text"', '7', '[{"phoneNumber":"+14155552671"}]'])(
    'with JSON that is not an object (%s) gets validation_failed',
    async (body) => {
      expectProblem(await post('/otp/send', body), 400, 'validation_failed');
    },
  );

  it('with JSON nested 8,000 levels deep gets validation_failed', async () => {
    const depth = 8_000;
    const body = `{"phoneNumber":${'['.repeat(depth)}${']'.repeat(depth)}}`;

    expectProblem(await post('/otp/send', body), 400, 'validation_failed');
    const withKey = post('/otp/send', body).set('Idempotency-Key', 'nested-1');
    expectProblem(await withKey, 400, 'validation_failed');
  });

  it.each([
    ['/otp/send', 'channel'],
    ['/otp/send', 'reference'],
    ['/otp/send', 'endUserIp'],
    ['/otp/send', 'locale'],
    ['/otp/resend', 'channel'],
    ['/otp/verify', 'phoneNumber'],
    ['/otp/verify', 'reference'],
  ])('to %s with null for %s gets validation_failed', async (path, field) => {
    const validBody = {
      '/otp/send': { phoneNumber: '+14155552671' },
      '/otp/resend': { pinId: 'a'.repeat(22) },
      '/otp/verify': { pinId: 'a'.repeat(22), otpCode: '123456' },
    }[path];

    const response = await service.http.post(path).send({ ...validBody, [field]: null });

    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors).toEqual([
      { pointer: `#/${field}`, detail: expect.stringContaining('leave the field out') },
    ]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'json', ';'])(
    'with a body of type %s gets unsupported_media_type',
    async (type) => {
      expectProblem(await post('/otp/send', 'a=b', type), 415, 'unsupported_media_type');
    },
  );

  // This test fails without the onRequest hook of `registerJsonParser`.
  it('without a body is accepted with an invalid media type', async () => {
    const { body } = await service.http.post('/otp/send').send({ phoneNumber: NUMBER }).expect(200);

    await service.http.delete(`/otp/${body.pinId}`).set('content-type', 'json').expect(204);
  });

  const sendBytes = (body: Buffer, headers: Record<string, string> = {}) =>
    fetch(`${service.url}/otp/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: new Uint8Array(body),
    });

  it('with a compressed body gets 415 and the codings that are accepted', async () => {
    const headers = { 'content-encoding': 'gzip' };
    const response = await sendBytes(gzipSync(BODY), headers);

    expect(await response.json()).toMatchObject({
      status: 415,
      code: 'unsupported_content_encoding',
    });
    expect(response.headers.get('accept-encoding')).toBe('identity');
  });

  it.each([
    ['bytes that are not UTF-8', Buffer.from(BODY.replace('+', '\xff'), 'latin1')],
    ['UTF-16', Buffer.from(BODY, 'utf16le')],
  ])('with a body in %s gets malformed_body', async (_what, bytes) => {
    const response = await sendBytes(bytes);

    expect(await response.json()).toMatchObject({ status: 400, code: 'malformed_body' });
    expect(response.headers.has('ratelimit')).toBe(true);
  });

  it('with another media type gets 415 without the header Accept-Encoding', async () => {
    const response = await service.http.post('/otp/send').type('text/plain').send('x');

    expectProblem(response, 415, 'unsupported_media_type');
    expect(response.headers).not.toHaveProperty('accept-encoding');
  });

  it('with a body over 16 KiB gets payload_too_large', async () => {
    const body = (length: number) => `{"phoneNumber":"${'1'.repeat(length - 18)}"}`;

    expectProblem(await post('/otp/send', body(16 * 1024 + 1)), 413, 'payload_too_large');
    expectProblem(await post('/otp/send', body(16 * 1024)), 400, 'validation_failed');
  });

  it.each(['/otp', '/otp/', '/nothing/here', '/otp/%zz', '/%c0%af'])(
    'to the unknown path %s gets not_found',
    async (path) => {
      expectProblem(await service.http.get(path), 404, 'not_found');
    },
  );

  it.each([
    ['/otp/14155552671?to=14155552671', '/otp/:pinId'],
    ['/14155552671', '/'],
    ['/no/such/aCodeOfLetters', '/'],
  ])('to %s gets the route as instance, without the rest of the path', async (path, instance) => {
    const { body } = await service.http.get(path);

    expect(body.instance).toBe(instance);
    expect(JSON.stringify({ ...body, requestId: '' })).not.toMatch(/14155552671|aCodeOfLetters/);
  });

  it.each(['get', 'put', 'patch', 'delete', 'options', 'propfind'] as const)(
    'with the method %s to a POST route gets 405 and Allow',
    async (method) => {
      const response = await service.http[method]('/otp/send');

      expectProblem(response, 405, 'method_not_allowed');
      expect(response.headers['allow']).toBe('POST');
    },
  );

  it.each([
    ['/otp/send/?x=1', 'POST'],
    ['/otp/q8Jt1Xn0S2uYp4rVb6wLzA', 'GET, HEAD, DELETE'],
    ['/health/live', 'GET, HEAD'],
  ])('with the method PROPFIND to %s gets 405 and Allow', async (path, allow) => {
    const response = await service.http.propfind(path);

    expectProblem(response, 405, 'method_not_allowed');
    expect(response.headers['allow']).toBe(allow);
  });

  it('with the method PROPFIND to an unknown path gets not_found', async () => {
    expectProblem(await service.http.propfind('/otp/nothing/here'), 404, 'not_found');
  });

  it('with the wrong method is rejected before its body is read', async () => {
    const response = await service.http.put('/otp/send').type('json').send('{');

    expectProblem(response, 405, 'method_not_allowed');
  });

  it('with an unknown Expect header, or in HTTP/1.0 without Host, is accepted', async () => {
    for (const head of [
      '1.1\r\nhost: localhost\r\nexpect: a-miracle\r\nconnection: close',
      '1.0',
    ]) {
      const connection = await connectTo(service.url);
      connection.write(`GET /health/live HTTP/${head}\r\n\r\n`);

      expect(await connection.answer).toMatch(/^HTTP\/1\.1 200 /);
    }
  });

  it.each([
    ['a stray byte', '}', ''],
    ['a body that cannot be read', `${POST_HEAD}transfer-encoding: chunked\r\n\r\nx\r\n`, ''],
    // Node emits `checkExpectation` for these instead of `request`.
    ['a stray byte after requests with an Expect header', '}', 'expect: a-miracle\r\n'],
  ])(
    'that is invalid is rejected after the earlier requests of its connection are answered (%s)',
    async (_what, bytes, header) => {
      const body = JSON.stringify({ phoneNumber: '+14155552672' });
      const lookup = `${POST_HEAD.replace('send', 'numbers/lookup')}${header}`;
      const connection = await connectTo(service.url);
      connection.write(`${lookup}content-length: ${body.length}\r\n\r\n${body}`.repeat(2));
      connection.write(bytes);
      connection.write(bytes);

      const statuses = (await connection.answer).matchAll(/HTTP\/1\.1 (\d+)/g);
      expect([...statuses].map(([, status]) => status)).toEqual(['200', '200', '400']);
    },
  );

  // createFastifyAdapter sets the time limits: `requestTimeout` and `connectionsCheckingInterval`.
  it.each([
    ['its head', 'POST /otp/send HTTP/1.1\r\nhost: localhost\r\n'],
    ['its body', `${POST_HEAD}content-length: 9\r\n\r\n{`],
  ])(
    'that does not complete %s in time gets request_timeout, and its connection is closed',
    async (_what, bytes) => {
      const connection = await connectTo(service.url);
      connection.write(bytes);

      const [head = '', body = ''] = (await connection.answer).split('\r\n\r\n');
      expect(head).toMatch(/^HTTP\/1\.1 408 Request Timeout/);
      expect(JSON.parse(body)).toMatchObject({ code: 'request_timeout', status: 408 });
    },
  );

  // This test fails without `connectionTimeout` in app.setup.ts.
  it('whose client does not read the response gets its connection closed', async () => {
    const accepted = once(service.app.getHttpServer(), 'connection') as Promise<[Socket]>;
    const client = connect(Number(new URL(service.url).port), '127.0.0.1');
    client.on('error', () => undefined);
    const [socket] = await accepted;
    const limitMs = socket.timeout ?? 0;
    const slowest = testEnvironment({ PROVIDERS: 'infobip,sinch', PROVIDER_TIMEOUT: '1m' });
    expect(limitMs).toBeGreaterThan(providersConfig(slowest).maxRequestMs);
    // As many requests as a connection may have: 6 MB, more than the buffers of both sockets hold.
    client.write('GET /docs-json HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(32));
    await once(client, 'readable');
    const closed = once(socket, 'close');
    // A thousandth, so that the test need not wait for minutes.
    socket.setTimeout(limitMs / 1_000);

    await closed;
    client.destroy();
  });
});
